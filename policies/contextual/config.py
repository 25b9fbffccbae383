"""Hyper-parameters of contextual policies."""

import dataclasses

from policies import interface


@dataclasses.dataclass(frozen=True)
class Config(interface.Interface):
    """What a contextual policy is shown, and the sizes of its network.

    Attributes:
      embedding: width of the embedding of a context episode.
      hidden: widths of the actor's layers.
      components: Gaussians in the actor's mixture.
    """

    embedding: int = 64
    hidden: tuple[int, ...] = (256, 256, 256)
    components: int = 6
