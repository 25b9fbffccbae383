"""Hyper-parameters of contextual policies."""

import dataclasses

from wtl.policies import interface
from wtl.policies.heads import HEADS, MIXTURE


@dataclasses.dataclass(frozen=True)
class Config(interface.Interface):
    """What a contextual policy is shown, and the sizes of its network.

    Attributes:
      embedding: width of the embedding of a context episode.
      hidden: widths of the actor's layers.
      per_entity: whether the entity acted on is looked for in what is shown, and the
        like of it in the scene; else what is shown and the scene are flat inputs, and
        nothing is chosen but actions.
      commits: whether one target is chosen and pursued; else what is pursued is the
        mean of all entities under their probabilities.
      head: what the actor ends in, a key of `wtl.policies.heads.HEADS`.
      components: Gaussians in the actor's mixture.
      state_noise: standard deviation, in metres, of noise on each coordinate of
        objects, buttons and anchor in all that the policy sees.
    """

    embedding: int = 64
    per_entity: bool = True
    hidden: tuple[int, ...] = (256, 256, 256)
    commits: bool = True
    head: str = MIXTURE
    components: int = 6
    state_noise: float = 0.0

    def __post_init__(self):
        """Checks what is chosen by name.

        Raises:
          ValueError: if there is no such choice.
        """
        super().__post_init__()
        interface.require("head", self.head, tuple(HEADS))

    @property
    def keeps_component(self) -> bool:
        """Whether one component of the mixture is chosen once per episode.

        Not knowing which way its motors turn, a policy that chose anew at each step
        would forever undo what it did. Where motions tell the gains there is no need.
        """
        unknown = self.hidden_gains and not self.moves_as_commanded
        return unknown and self.head == MIXTURE

    @property
    def choices(self) -> int:
        """Entities to act on and, where one is kept, components to act by."""
        return self.entities + self.components * self.keeps_component
