"""The reacher: a planar two-link arm and two targets."""

WORLDS = {"reacher": "reacher:REACHER", "dense_reacher": "reacher:DENSE_REACHER"}
