"""Records of the methods that WTL ships, in the order of tables."""

from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.methods import palette
from wtl.policies.methods.records import (
    baselines,
    foresight,
    human,
    reinforcement,
    robot,
)
from wtl.policies.methods.records.trained import trained_method

RECORDS = (
    *robot.RECORDS,
    *human.RECORDS,
    *baselines.RECORDS,
    *reinforcement.RECORDS,
    *foresight.RECORDS,
    trained_method(
        "oracle_task",
        "Oracle",
        "Given the task and the target: the motor skill that a policy can reach.",
        palette.VIOLET,
        config=ContextualConfig(oracle=True),
        in_default=True,
    ),
)
