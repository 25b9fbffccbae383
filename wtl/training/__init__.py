"""The one training loop, its examples and its learning curves."""
