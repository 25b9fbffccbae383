"""The reacher: a planar two-link arm and two targets."""
