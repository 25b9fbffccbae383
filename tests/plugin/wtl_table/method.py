"""Goal-conditioned behaviour cloning, by its record."""

import dataclasses

import gin

from wtl.policies.interface import Interface
from wtl.policies.methods.record import Condition, Method, PolicyKind


@gin.configurable
@dataclasses.dataclass(frozen=True)
class GoalConfig(Interface):
    """Size of the network."""

    hidden: tuple[int, ...] = (32,)


_NAMED = ("goal", "Goal BC", "Given the last state of the demonstration.", "#7a5195")
GOAL = Method(
    *_NAMED,
    config=GoalConfig(demos=True),
    kind=PolicyKind(
        "wtl_table.policy:GoalNetwork",
        "wtl_table.policy:GoalPolicy",
        "wtl_table.policy:loss",
    ),
    conditions=(Condition(*_NAMED),),
    compared_with=("bc",),
)
