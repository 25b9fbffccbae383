"""The toy world: a planar two-link arm that reaches for one of two targets."""
