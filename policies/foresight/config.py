"""Configuration of a model of the next state."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural, NotNegative
from wtl.policies import interface

GRADIENT, RECURRENCE = ADAPTERS = ("gradient", "recurrence")
# Whose transitions a model adapts to.
OWN, ANOTHER_TASK, NONE = WINDOWS = ("own", "another_task", "none")


@dataclasses.dataclass(frozen=True)
class ForesightConfig(interface.Interface):
    """Model of the next state; an oracle is given the hidden variables of the task.

    Attributes:
      hidden: widths of the layers.
      adapter: adapts the model to the last transitions, see `wtl.policies.adapters`.
      steps: gradient steps of the adapter `gradient`; with 0 nothing adapts.
      alpha: initial step size of each parameter; meta-training learns step sizes.
      units: size of the state of the adapter `recurrence`.
      window: M, transitions to which it adapts.
      predicted: K, following transitions that an adapted model is trained to predict.
      lag: greatest number of steps between both, drawn for each slice; 0 as in GrBAL.
        Above 0 a model learns to adapt to what holds for longer, such as a fault. Else
        it adapts to the moment, too, and a slow gait predicts a slow one.
      members: E, models of an ensemble with different initial weights, of which a plan
        maximises the mean return (Chua et al. 2018).
      trained_as: name of the method whose weights it has; empty for its own. The method
        fixes it, as it does the next one.
      window_of: whether the transitions are its `own`, or in controls of `another_task`
        that is played beside it, or `none`.
    """

    hidden: tuple[Count, ...] = (256, 256)
    adapter: str = GRADIENT
    steps: Natural = 0
    alpha: NotNegative = 0.01
    units: Count = 64
    window: Count = 16
    predicted: Count = 16
    lag: Natural = 0
    members: Count = 1
    trained_as: str = ""
    window_of: str = OWN

    def __post_init__(self):
        super().__post_init__()
        interface.require("adapter", self.adapter, ADAPTERS)
        interface.require("window_of", self.window_of, WINDOWS)
        interface.require("chunk", self.chunk, (1,))

    @property
    def has_density(self) -> bool:
        """See the base class; a plan has none."""
        return False

    @property
    def adapts(self) -> bool:
        """Whether the model depends on the last transitions."""
        return self.adapter == RECURRENCE or self.steps > 0

    @property
    def privileged_size(self) -> int:
        """Hidden variables that the model is given; the first is their onset."""
        return self.hidden_size - 1 if self.oracle else 0
