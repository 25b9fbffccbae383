"""Hyper-parameters of contextual policies."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Config:
    """What a contextual policy is shown, and the sizes of its network.

    Attributes:
      demos: whether demonstrations are shown.
      trials: whether trials, with their success, are shown.
      oracle: whether the true target, family and dynamics are given (a ceiling).
      size: number of objects, and of buttons, in a scene.
      action_size: A.
      families: number of families, for the oracle.
      context_frames: frames each context episode is resampled to.
      embedding: width of the embedding of a context episode.
      hidden: widths of the actor's layers.
      components: Gaussians in the actor's mixture.
    """

    demos: bool = False
    trials: bool = False
    oracle: bool = False
    size: int = 3
    action_size: int = 5
    families: int = 5
    context_frames: int = 20
    embedding: int = 64
    hidden: tuple[int, ...] = (256, 256, 256)
    components: int = 6

    @property
    def entities(self) -> int:
        """Number of objects and buttons in a scene."""
        return 2 * self.size
