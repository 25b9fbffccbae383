"""Methods that lack the demonstration or the trial, or learn nothing."""

from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.methods import palette
from wtl.policies.methods.records.trained import after, trained_method
from wtl.policies.replay.config import ReplayConfig

RECORDS = (
    trained_method(
        "demo_hidden_at_retrial",
        "Demo hidden",
        "Acts given the trial made after the demonstration, without the demonstration.",
        palette.GREEN,
        config=ContextualConfig(trials=True),
        trial_source="mil",
        in_default=True,
    ),
    trained_method(
        "trial_only",
        "Trial only",
        "Never given a demonstration: acts given a trial of BC with its outcome.",
        palette.GOLD,
        *after("trial_only", "bc", "Trial only", range(2, 10), in_default=False),
        config=ContextualConfig(trials=True),
        trial_source="bc",
        in_default=True,
    ),
    trained_method(
        "retrieve_and_play",
        "Retrieve and play",
        "Replays the demonstration open loop, of several the one whose start is "
        "nearest: nothing is learnt.",
        palette.GREY,
        config=ReplayConfig(demos=True),
    ),
    trained_method(
        "bc",
        "BC",
        "Behaviour cloning: acts on the scene alone, without demonstration or trial.",
        palette.GREY,
        config=ContextualConfig(),
        in_default=True,
    ),
)
