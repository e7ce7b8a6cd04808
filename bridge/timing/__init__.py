"""Time as music counts it: clocks, beats, bars, and the manners of a process that keeps them."""
