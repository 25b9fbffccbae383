"""Methods that act given a human video, and their controls."""

from wtl.policies.contextual.config import FLAT, ContextualConfig
from wtl.policies.daml.config import DamlConfig
from wtl.policies.methods import palette
from wtl.policies.methods.record import NEW, Condition
from wtl.policies.methods.records.trained import trained_method, without_learning

RECORDS = (
    trained_method(
        "wtl_human",
        "Human WTL",
        "Acts given a human video and a trial of its own with its outcome.",
        palette.TEAL,
        Condition(
            "wtl_human_new_scene",
            "Human WTL, new scene",
            "Human WTL whose retrial is in another scene than its trial.",
            palette.TEAL,
            trials=("mil_human",),
            scene=NEW,
            compared_with=(
                "mil_human_win_stay_lose_shift_new_scene",
                "mil_human_new_scene",
            ),
        ),
        config=ContextualConfig(demos=True, trials=True, human=True),
        trial_source="mil_human",
        compared_with=(
            "mil_human",
            "mil_human_win_stay_lose_shift",
            "mil_human_second_try",
        ),
    ),
    trained_method(
        "mil_human",
        "Human MIL",
        "Infers the entity acted on in a human video, and acts; trained on pairs of a "
        "human video and a robot's demonstration.",
        palette.BROWN,
        *without_learning("mil_human", "Human MIL"),
        config=ContextualConfig(demos=True, human=True),
        compared_with=("daml", "mil_shown_human"),
    ),
    trained_method(
        "daml",
        "DAML",
        "Takes a gradient step on a human video, by a learned loss that convolves over "
        "time; trained on the same pairs.",
        palette.GREEN,
        config=DamlConfig(demos=True, context_frames=20, human=True),
        compared_with=("daml_linear", "contextual_human", "maml_video_shown_human"),
    ),
    trained_method(
        "daml_linear",
        "DAML, linear loss",
        "DAML whose learned loss takes every frame by itself.",
        palette.GOLD,
        config=DamlConfig(demos=True, context_frames=20, human=True, temporal=False),
    ),
    trained_method(
        "contextual_human",
        "Flat contextual, human",
        "Encodes a human video as one embedding, without a structure of entities; "
        "trained on the same pairs.",
        palette.GREY,
        config=ContextualConfig(demos=True, human=True, encoder=FLAT),
    ),
    trained_method(
        "maml_video",
        "MAML, robot's video",
        "DAML's step on a video of the robot itself: there is no domain to adapt to.",
        palette.ROSE,
        Condition(
            "maml_video_shown_human",
            "MAML, given a human video",
            "The same, which was never trained on human videos, given one: the domain "
            "gap.",
            shown_human=True,
            in_default=False,
        ),
        config=DamlConfig(demos=True, context_frames=20),
    ),
)
