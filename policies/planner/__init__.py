"""Planners: policies that optimise actions under a model of the next state."""
