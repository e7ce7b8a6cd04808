"""From a trained net to a preset, and from a preset to the compiled step that plays it."""
