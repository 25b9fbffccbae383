"""Hyper-parameters of policies that adapt by gradient."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural
from wtl.policies.heads import MIXTURE
from wtl.policies.heads.config import HeadConfig


@dataclasses.dataclass(frozen=True)
class MamlConfig(HeadConfig):
    """Adaptation of a policy, and the sizes of its network.

    Attributes:
      second_order: whether the meta-gradient goes through the inner gradient; else this
        is first-order MAML, in which no gradient reaches an inner head or loss.
      inner_steps: gradient steps on the demonstrations.
      alpha: initial inner step size of every parameter.
      clip: largest magnitude of an element of the inner gradient.
      two_heads: whether the inner loss has a final layer of its own, a mixture.
      bias_transformation: width of the learned vector that joins the inputs of the
        first layer, 0 for none.
      per_entity: whether each entity has its own features, Gaussian mixture and
        probability; else the whole state is one flat input.
      hidden: widths of the actor's layers.
    """

    second_order: bool = True
    inner_steps: Count = 1
    alpha: float = 0.3
    clip: float = 10.0
    two_heads: bool = True
    bias_transformation: Natural = 16
    per_entity: bool = True
    hidden: tuple[Count, ...] = (256, 256)

    def __post_init__(self):
        super().__post_init__()
        # The demonstrations of a context have single actions.
        if not self.two_heads and (self.chunk > 1 or self.head != MIXTURE):
            raise ValueError(
                "without two_heads the inner loss needs head 'mixture' and chunk 1"
            )

    @property
    def items(self) -> int:
        """I, the number of entities to choose from, or 1 for a flat state."""
        return self.entities if self.per_entity else 1
