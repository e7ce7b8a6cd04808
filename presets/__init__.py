"""The preset format, the store and the built-in presets: standard library and safetensors only."""
