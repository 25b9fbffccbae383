"""Worlds of other simulators, without a structure of entities."""
