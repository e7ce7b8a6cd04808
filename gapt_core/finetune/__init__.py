"""Fine-tuning: a preset's policy adapted to one player's songs, measured on some of them, reported, and kept or not."""
