"""Methods that act given a robot's demonstration, or given one and trials."""

from wtl.policies.contextual.config import FLAT, ContextualConfig
from wtl.policies.maml.config import MamlConfig
from wtl.policies.methods import palette
from wtl.policies.methods.record import NEW, Condition
from wtl.policies.methods.records.trained import after, trained_method, without_learning
from wtl.policies.tecnet.config import TecnetConfig

RECORDS = (
    trained_method(
        "wtl",
        "WTL",
        "Watch, Try, Learn: acts given the demonstration and a trial with its outcome.",
        palette.BLUE,
        *after(
            *("wtl", "mil", "WTL", (2, 3), "mil_win_stay_lose_shift"),
            colour=palette.SKY,
        ),
        *after("wtl", "mil", "WTL", (4, 5), in_default=False),
        Condition(
            "wtl_0_trials",
            "WTL, first try",
            "WTL's policy without any trial: it makes the first try too.",
            in_default=False,
        ),
        Condition(
            "wtl_own_trial",
            "WTL, own trial",
            "WTL after this first try: one policy for trial and retrial.",
            trials=("wtl_0_trials",),
            in_default=False,
        ),
        Condition(
            "wtl_new_scene",
            "WTL, new scene",
            "WTL whose retrial is in another scene than its trial.",
            palette.SKY,
            trials=("mil",),
            scene=NEW,
            compared_with=("mil_win_stay_lose_shift_new_scene", "mil_new_scene"),
        ),
        config=ContextualConfig(demos=True, trials=True),
        trial_source="mil",
        compared_with=(
            "mil",
            "mil_win_stay_lose_shift",
            "mil_second_try",
            "demo_hidden_at_retrial",
            "trial_only",
        ),
        in_default=True,
    ),
    trained_method(
        "wtl_second_round",
        "WTL, second round",
        "WTL whose policy was also trained on retrials of the first one.",
        palette.GREY,
        Condition(
            "wtl_second_round_2_trials",
            "WTL, second round, 2 trials",
            "The same after two trials: its own first retrial is the second.",
            trials=("mil", "wtl_second_round"),
        ),
        config=ContextualConfig(demos=True, trials=True),
        trial_source="mil",
        retrial_source="wtl",
    ),
    trained_method(
        "mil",
        "MIL",
        "One-shot imitation: acts given the demonstration; its episode is the trial "
        "that WTL is given.",
        palette.ORANGE,
        *without_learning("mil", "MIL"),
        Condition(
            "mil_shown_human",
            "MIL, given a human video",
            "MIL, which was never trained on human videos, given one: the domain gap.",
            shown_human=True,
            in_default=False,
        ),
        config=ContextualConfig(demos=True),
        compared_with=("bc", "retrieve_and_play", "tecnet"),
        in_default=True,
    ),
    trained_method(
        "maml",
        "MAML",
        "One-shot imitation by gradient: takes a learned gradient step on the "
        "demonstration.",
        palette.ROSE,
        config=MamlConfig(demos=True, context_frames=10),
    ),
    trained_method(
        "tecnet",
        "TecNet",
        "One-shot imitation by an embedding of the task, shaped by a margin loss, with "
        "the entity acted on inferred and matched as in MIL.",
        palette.TEAL,
        config=TecnetConfig(demos=True),
        compared_with=("tecnet_flat",),
    ),
    trained_method(
        "tecnet_flat",
        "TecNet, flat",
        "TecNet on flat states, without a structure of entities.",
        palette.BROWN,
        config=TecnetConfig(demos=True, encoder=FLAT),
    ),
)
