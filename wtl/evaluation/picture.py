"""Pictures of episodes from their states, in whatever world they took place."""

import numpy as np

from wtl.collection.drawing import svg
from wtl.datasets.contract.layout import Layout


def draw(
    states: np.ndarray,
    layout: Layout,
    title: str = "",
    target_slot: int | None = None,
    acted_slot: int | None = None,
    clip: svg.Clip | None = None,
) -> str:
    """Returns an SVG of an episode.

    Args:
      states: [T, S] states.
      layout: their layout.
      title: said in the picture, and to people who can't see it.
      target_slot: slot of an entity to be ringed.
      acted_slot: slot that was acted on; crossed where it is not the target.
      clip: when to play the episode; a still picture by default.
    """
    return layout.drawing.draw(states, layout, title, target_slot, acted_slot, clip)
