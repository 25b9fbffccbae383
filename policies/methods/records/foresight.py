"""Methods that plan with a model of the next state."""

from wtl.policies.foresight.config import (
    ANOTHER_TASK,
    NONE,
    RECURRENCE,
    ForesightConfig,
)
from wtl.policies.methods import palette
from wtl.policies.methods.record import Method

RECORDS = (
    Method(
        "model_based",
        "Model-based",
        "Plans with a model of the next state, which does not adapt.",
        palette.GREY,
        config=ForesightConfig(),
    ),
    Method(
        "dynamic_evaluation",
        "Gradient steps",
        "The same model with gradient steps on the last transitions, for which it was "
        "not trained.",
        palette.GOLD,
        config=ForesightConfig(steps=1, trained_as="model_based"),
    ),
    Method(
        "grbal",
        "GrBAL",
        "Plans with a model that was meta-trained to predict after a gradient step on "
        "the last transitions.",
        palette.BLUE,
        config=ForesightConfig(steps=1),
    ),
    Method(
        "grbal_another_task",
        "GrBAL, another task",
        "GrBAL, given the last transitions of another task.",
        palette.SKY,
        config=ForesightConfig(steps=1, trained_as="grbal", window_of=ANOTHER_TASK),
    ),
    Method(
        "grbal_without_transitions",
        "GrBAL, no transitions",
        "GrBAL, given no transitions: its model as it was meta-trained, before any "
        "gradient step.",
        palette.BROWN,
        config=ForesightConfig(steps=1, trained_as="grbal", window_of=NONE),
    ),
    Method(
        "rebal",
        "ReBAL",
        "Plans with a model that is given a recurrent encoding of the last "
        "transitions.",
        palette.GREEN,
        config=ForesightConfig(adapter=RECURRENCE),
    ),
    Method(
        "rebal_another_task",
        "ReBAL, another task",
        "ReBAL, given the last transitions of another task.",
        palette.TEAL,
        config=ForesightConfig(
            adapter=RECURRENCE, trained_as="rebal", window_of=ANOTHER_TASK
        ),
    ),
    Method(
        "fault_given",
        "Fault given",
        "Plans with a model that is given the hidden variables of the task.",
        palette.VIOLET,
        config=ForesightConfig(oracle=True),
    ),
)
