"""Encoders of episodes and observations."""
