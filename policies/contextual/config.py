"""Hyper-parameters of contextual policies."""

import dataclasses
from typing import ClassVar

from wtl.datasets.contract.limits import Count
from wtl.policies import interface
from wtl.policies.heads import MIXTURE
from wtl.policies.heads.config import HeadConfig

# Entities: the entity acted on is inferred from the context episodes, by labels, and
# matched in the scene. Rows: attention over the rows of observations, without labels;
# one row is selected. Flat: states are flat inputs, and nothing is selected.
ENTITIES, ROWS, FLAT = ENCODERS = ("entities", "rows", "flat")


@dataclasses.dataclass(frozen=True)
class ContextualConfig(HeadConfig):
    """Context episodes of a policy, and the sizes of its network.

    Attributes:
      embedding: width of the embedding of a context episode.
      encoder: encoder of context and scene, one of `ENCODERS`.
      without_entities: encoder in worlds without entities, where none is chosen.
      hidden: widths of the actor's layers.
      selects_target: whether one target is selected; else the policy acts on the mean
        of all entities under their probabilities.
      state_noise: standard deviation, in metres, of noise on each coordinate of
        everything but the robot in all states given to the policy.
      commits: whether one component of the mixture is chosen once per episode, also
        where no gains are known to be hidden.
      next_frame: weight of the loss of predicting each next frame of the imitated
        demonstration, of encoder `rows`.
    """

    without_entities: ClassVar[str] = ROWS

    embedding: Count = 64
    encoder: str = ENTITIES
    hidden: tuple[Count, ...] = (256, 256, 256)
    selects_target: bool = True
    state_noise: float = 0.0
    commits: bool = False
    next_frame: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        interface.require("encoder", self.encoder, ENCODERS)
        if self.encoder == ROWS and not self.selects_target:
            raise ValueError("encoder 'rows' selects a row: leave selects_target True")
        if self.encoder == ROWS and getattr(self.layout, "ways", 1) > 1:
            raise ValueError(
                "encoder 'rows' selects a row, but a target of this world is an entity "
                "and a way of acting on it: choose 'entities' or 'flat'"
            )
        if self.next_frame and self.encoder != ROWS:
            raise ValueError(f"next_frame needs encoder {ROWS!r}, not {self.encoder!r}")
        if self.commits and self.head != MIXTURE:
            raise ValueError(f"commits needs head {MIXTURE!r}, not {self.head!r}")

    @property
    def per_entity(self) -> bool:
        """Whether states are encoded as entities, with labels of those acted on."""
        return self.encoder == ENTITIES

    @property
    def chooses_target(self) -> bool:
        """Whether one target is chosen: without a choice, `FLAT` is given no target."""
        return self.selects_target and (self.oracle or self.encoder != FLAT)

    @property
    def keeps_component(self) -> bool:
        """Whether one component of the mixture is chosen once per episode.

        A policy that does not know the signs of its actuator gains and sampled anew at
        each step would undo its own motion. Where motions reveal the gains there is no
        need.
        """
        unknown = self.hidden_gains and not self.moves_as_commanded
        return (self.commits or unknown) and self.head == MIXTURE

    @property
    def choices(self) -> int:
        """Entities to act on and, where one is kept, components to act by."""
        return self.entities + self.components * self.keeps_component
