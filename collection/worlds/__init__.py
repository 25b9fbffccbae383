"""Worlds: one object each, with its tasks, environment and optional capabilities."""
