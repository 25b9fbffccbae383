"""Policies conditioned on context episodes, which are named by the method."""
