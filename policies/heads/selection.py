"""Target head of a world.

A target head scores the entities of a scene: it is made of a `Layout`, and called with
the first states [B, S] of the episodes to play and a list of `Evidence`.
"""

from wtl.datasets.contract.layout import Layout
from wtl.policies.heads.posterior import PosteriorHead
from wtl.policies.heads.target import TargetHead


def target_head(layout: Layout) -> PosteriorHead | TargetHead:
    """Return the posterior head if the world says what rules pick, else the learned."""
    knows_rules = hasattr(layout.features, "picks")
    return (PosteriorHead if knows_rules else TargetHead)(layout)
