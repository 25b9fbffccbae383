"""Hyper-parameters of contextual policies."""

import dataclasses

from policies import interface


@dataclasses.dataclass(frozen=True)
class Config(interface.Interface):
    """What a contextual policy is shown, and the sizes of its network.

    Attributes:
      embedding: width of the embedding of a context episode.
      hidden: widths of the actor's layers.
      per_entity: whether the entity acted on is looked for in what is shown, and the
        like of it in the scene; else what is shown and the scene are flat inputs, and
        nothing is chosen but actions.
      components: Gaussians in the actor's mixture.
    """

    embedding: int = 64
    per_entity: bool = True
    hidden: tuple[int, ...] = (256, 256, 256)
    components: int = 6

    @property
    def commits(self) -> bool:
        """Whether one component of the mixture is chosen once per episode.

        Not knowing which way its motors turn, a policy that chose anew at each step
        would forever undo what it did.
        """
        return self.faulty_motors

    @property
    def choices(self) -> int:
        """Entities to act on and, where it commits, components to act by."""
        return self.entities + self.components * self.commits
