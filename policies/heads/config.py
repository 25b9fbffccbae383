"""Hyper-parameters of heads over actions."""

import dataclasses

from wtl.datasets.contract.limits import Count
from wtl.policies import interface
from wtl.policies.heads import DENSITIES, HEADS, MIXTURE


@dataclasses.dataclass(frozen=True)
class HeadConfig(interface.Interface):
    """Head of an actor.

    Attributes:
      head: one of `wtl.policies.heads.HEADS`.
      components: Gaussians in the mixture.
    """

    head: str = MIXTURE
    components: Count = 6

    def __post_init__(self):
        super().__post_init__()
        interface.require("head", self.head, HEADS)

    @property
    def has_density(self) -> bool:
        """See the base class."""
        return self.head in DENSITIES
