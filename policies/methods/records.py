"""Records of the methods that WTL ships, in the order of tables."""

import dataclasses
import functools
from collections.abc import Iterable

from wtl.policies import promp
from wtl.policies.contextual.config import FLAT, ContextualConfig
from wtl.policies.daml.config import DamlConfig
from wtl.policies.foresight.config import ANOTHER_TASK, RECURRENCE, ForesightConfig
from wtl.policies.interface import Interface
from wtl.policies.maml.config import MamlConfig
from wtl.policies.methods import palette
from wtl.policies.methods.record import (
    NEW,
    NEXT_AFTER_FAILURE,
    SAMPLED,
    SAMPLED_AFTER_FAILURE,
    Condition,
    Method,
    PolicyKind,
    Start,
)
from wtl.policies.pearl.config import PearlConfig
from wtl.policies.promp.config import PrompConfig
from wtl.policies.replay.config import ReplayConfig
from wtl.policies.rl2.config import Rl2Config
from wtl.policies.tecnet.config import TecnetConfig

_CONTEXTUAL = PolicyKind(
    "wtl.policies.contextual.kind:network",
    "wtl.policies.contextual.policy:ContextualPolicy",
    "wtl.policies.contextual.kind:loss",
)
_MAML = PolicyKind(
    "wtl.policies.maml.network:MamlNetwork",
    "wtl.policies.maml.policy:MamlPolicy",
    "wtl.policies.maml.loss:loss",
)
_KINDS = {
    ContextualConfig: _CONTEXTUAL,
    TecnetConfig: dataclasses.replace(
        _CONTEXTUAL,
        network_name="wtl.policies.tecnet.network:TecnetNetwork",
        loss_name="wtl.policies.tecnet.loss:loss",
    ),
    MamlConfig: _MAML,
    DamlConfig: dataclasses.replace(
        _MAML, network_name="wtl.policies.daml.network:DamlNetwork"
    ),
    ReplayConfig: PolicyKind(
        "wtl.policies.replay.network:ReplayNetwork",
        "wtl.policies.replay.policy:ReplayPolicy",
    ),
}
_Maml = functools.partial(MamlConfig, demos=True, context_frames=10)
_Tecnet = functools.partial(TecnetConfig, demos=True)
_Daml = functools.partial(DamlConfig, demos=True, context_frames=20)


def trained_method(
    name: str,
    label: str,
    description: str,
    colour: str = palette.GREY,
    *further: Condition,
    config: Interface,
    trial_source: str = "",
    **record,
) -> Method:
    """Return a trained method; its first condition has its name, label and colour.

    The kind of its policy follows from the type of its configuration; `further` are
    its other conditions. For the other arguments see `Method`.
    """
    trials = (trial_source,) if trial_source else ()
    first = Condition(name, label, description, colour, trials)
    return Method(
        *(name, label, description, colour, config, _KINDS[type(config)], trial_source),
        conditions=(first, *further),
        **record,
    )


def _after(
    method: str,
    trial_source: str,
    label: str,
    counts: Iterable[int],
    compared: str = "",
    **fields,
) -> tuple[Condition, ...]:
    """Return conditions after several trials: one of another policy, then its own.

    They are compared with those of `compared` after as many trials.
    """
    names = (method, *(f"{method}_{i}_trials" for i in range(2, max(counts))))
    return tuple(
        Condition(
            f"{method}_{count}_trials",
            f"{label}, {count} trials",
            f"{label} after {count} trials; the method made all but the first.",
            trials=(trial_source, *names[: count - 1]),
            compared_with=(f"{compared}_{count}_trials",) if compared else (),
            **fields,
        )
        for count in counts
    )


def _without_learning(method: str, label: str) -> tuple[Condition, ...]:
    """Return further tries of a trial policy, whose network is given no trial."""
    name, shown = f"{method}_win_stay_lose_shift", f"{label}, win-stay lose-shift"
    shift = {"colour": palette.GOLD, "choice": NEXT_AFTER_FAILURE}
    return (
        Condition(
            f"{method}_second_try",
            f"{label}, second try",
            f"A second, independent try of {label} without learning from the first: "
            "the worth of another try alone.",
            palette.ROSE,
            choice=SAMPLED,
        ),
        Condition(
            f"{method}_second_try_after_failure",
            f"{label}, second try after failure",
            f"{label} again: the same after a success, a sampled target after a "
            "failure.",
            palette.ROSE,
            trials=(method,),
            choice=SAMPLED_AFTER_FAILURE,
        ),
        Condition(
            name,
            shown,
            f"{label} again: the same target after a success, the next likeliest one "
            "after a failure. A rule, with nothing learnt from trials.",
            trials=(method,),
            **shift,
        ),
        *_after(name, method, shown, (2, 3), **shift),
        Condition(
            f"{name}_new_scene",
            f"{shown}, new scene",
            "The same rule in another scene than that of the trial.",
            trials=(method,),
            scene=NEW,
            **shift,
        ),
        Condition(
            f"{method}_new_scene",
            f"{label}, new scene",
            f"{label} in that other scene, without regard to the trial.",
            palette.ROSE,
            scene=NEW,
            in_default=False,
        ),
    )


RECORDS = (
    trained_method(
        "wtl",
        "WTL",
        "Watch, Try, Learn: acts given the demonstration and a trial with its outcome.",
        palette.BLUE,
        *_after(
            *("wtl", "mil", "WTL", (2, 3), "mil_win_stay_lose_shift"),
            colour=palette.SKY,
        ),
        *_after("wtl", "mil", "WTL", (4, 5), in_default=False),
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
        *_without_learning("mil", "MIL"),
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
        config=_Maml(),
    ),
    trained_method(
        "tecnet",
        "TecNet",
        "One-shot imitation by an embedding of the task, shaped by a margin loss, with "
        "the entity acted on inferred and matched as in MIL.",
        palette.TEAL,
        config=_Tecnet(),
        compared_with=("tecnet_flat",),
    ),
    trained_method(
        "tecnet_flat",
        "TecNet, flat",
        "TecNet on flat states, without a structure of entities.",
        palette.BROWN,
        config=_Tecnet(encoder=FLAT),
    ),
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
        *_without_learning("mil_human", "Human MIL"),
        config=ContextualConfig(demos=True, human=True),
        compared_with=("daml", "mil_shown_human"),
    ),
    trained_method(
        "daml",
        "DAML",
        "Takes a gradient step on a human video, by a learned loss that convolves over "
        "time; trained on the same pairs.",
        palette.GREEN,
        config=_Daml(human=True),
        compared_with=("daml_linear", "contextual_human", "maml_video_shown_human"),
    ),
    trained_method(
        "daml_linear",
        "DAML, linear loss",
        "DAML whose learned loss takes every frame by itself.",
        palette.GOLD,
        config=_Daml(human=True, temporal=False),
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
        config=_Daml(),
    ),
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
        *_after("trial_only", "bc", "Trial only", range(2, 10), in_default=False),
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
    Method(
        "mil_sac_demo",
        "SAC from MIL, demonstration kept",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration, which is in the replay buffer too.",
        palette.ROSE,
        config=Start("mil", keeps_demo=True),
    ),
    Method(
        "mil_sac",
        "SAC from MIL",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration.",
        palette.GREEN,
        config=Start("mil"),
    ),
    Method(
        "bc_sac_demo",
        "SAC from BC, demonstration kept",
        "Reinforcement learning of one task, from BC's policy, with the "
        "demonstration in the replay buffer.",
        palette.GOLD,
        config=Start("bc", keeps_demo=True),
    ),
    Method(
        "bc_sac",
        "SAC from BC",
        "Reinforcement learning of one task, from BC's policy.",
        palette.TEAL,
        config=Start("bc"),
    ),
    Method(
        "sac",
        "SAC from scratch",
        "Reinforcement learning of one task, from random weights.",
        palette.BROWN,
        config=Start(),
    ),
    Method(
        "pearl",
        "PEARL",
        "Meta-reinforcement learning from trials alone: infers a latent task from its "
        "trials, and plays each with a sample of the posterior.",
        palette.TEAL,
        config=PearlConfig(),
    ),
    Method(
        "rl2",
        "RL²",
        "Meta-reinforcement learning from trials alone: a recurrent policy that "
        "remembers its trials.",
        palette.BROWN,
        config=Rl2Config(),
    ),
    Method(
        "promp",
        "ProMP",
        "Meta-reinforcement learning from trials alone: takes a policy-gradient step "
        "on its first trials, which are credited for it.",
        palette.BLUE,
        config=PrompConfig(),
    ),
    Method(
        "maml_rl",
        "MAML for RL",
        "ProMP whose first trials are not credited for the step that they cause: the "
        "estimator that MAML is usually implemented with.",
        palette.ROSE,
        config=PrompConfig(credit=promp.NONE),
    ),
    Method(
        "maml_rl_dice",
        "MAML for RL, DiCE",
        "ProMP whose meta-gradient is unbiased, at the price of variance.",
        palette.GOLD,
        config=PrompConfig(credit=promp.DICE),
    ),
    Method(
        "promp_without_step",
        "ProMP, no inner step",
        "ProMP's policy trained by PPO on all trials, without an inner step: it cannot "
        "learn from its trials.",
        palette.GREY,
        config=PrompConfig(inner_step=False),
    ),
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
        "told_fault",
        "Told the fault",
        "Plans with a model that is given the hidden variables of the task.",
        palette.VIOLET,
        config=ForesightConfig(oracle=True),
    ),
    trained_method(
        "oracle_task",
        "Oracle",
        "Given the task and the target: the motor skill that a policy can reach.",
        palette.VIOLET,
        config=ContextualConfig(oracle=True),
        in_default=True,
    ),
)
