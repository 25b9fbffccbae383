"""Retrieve and play: the baseline that replays a demonstration, without learning."""
