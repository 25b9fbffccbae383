"""Registry of methods by name, in the order of tables. A new method is one record."""

import dataclasses
import functools
from collections.abc import Collection, Iterable, Sequence

from wtl.policies.contextual import config as contextual_config
from wtl.policies.daml import config as daml_config
from wtl.policies.maml import config as maml_config
from wtl.policies.methods.record import (
    BLUE,
    BROWN,
    FREE,
    GOLD,
    GREEN,
    GREY,
    NEW,
    ORANGE,
    ROSE,
    SKY,
    TEAL,
    VIOLET,
    Condition,
    Method,
    PolicyKind,
    Start,
)
from wtl.policies.tecnet import config as tecnet_config

_CONTEXTUAL = PolicyKind(
    "contextual.network:ContextualNetwork",
    "contextual.policy:ContextualPolicy",
    "contextual.loss:loss",
)
_MAML = PolicyKind(
    "maml.network:MamlNetwork", "maml.policy:MamlPolicy", "maml.loss:loss"
)
_DAML = dataclasses.replace(_MAML, network_name="daml.network:DamlNetwork")
_TECNET = dataclasses.replace(
    _CONTEXTUAL,
    network_name="tecnet.network:TecnetNetwork",
    loss_name="tecnet.loss:loss",
)
_Contextual = contextual_config.ContextualConfig
_Maml = functools.partial(maml_config.MamlConfig, demos=True, context_frames=10)
_Tecnet = functools.partial(tecnet_config.TecnetConfig, demos=True)
_Daml = functools.partial(daml_config.DamlConfig, demos=True, context_frames=20)


def _method(
    name: str,
    label: str,
    description: str,
    colour: str,
    *further: Condition,
    trials: Sequence[str] = (),
    **record,
) -> Method:
    """Return a method whose first condition has its name, label and description.

    Args:
      name: of method and condition, as are label, description and colour.
      label: short name.
      description: one sentence.
      colour: in figures and reports.
      *further: further conditions.
      trials: of the first condition.
      **record: further fields of the record.
    """
    first = Condition(name, label, description, colour, trials=tuple(trials))
    return Method(
        name, label, description, colour, conditions=(first, *further), **record
    )


def _after(
    method: str, trial_source: str, label: str, counts: Iterable[int], **fields
) -> tuple[Condition, ...]:
    """Return conditions after several trials: one of another policy, then its own."""
    names = (method, *(f"{method}_{i}_trials" for i in range(2, max(counts))))
    return tuple(
        Condition(
            f"{method}_{count}_trials",
            f"{label}, {count} trials",
            f"{label} after {count} trials; the method made all but the first.",
            trials=(trial_source, *names[: count - 1]),
            **fields,
        )
        for count in counts
    )


_RECORDS = (
    _method(
        "wtl",
        "WTL",
        "Watch, Try, Learn: acts given the demonstration and a trial with its outcome.",
        BLUE,
        *_after("wtl", "mil", "WTL", (2, 3), colour=SKY),
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
            SKY,
            trials=("mil",),
            scene=NEW,
        ),
        trials=("mil",),
        config=_Contextual(demos=True, trials=True),
        kind=_CONTEXTUAL,
        trial_source="mil",
        compared_with=("mil", "mil_second_try", "demo_hidden_at_retrial", "trial_only"),
        in_default=True,
    ),
    _method(
        "wtl_second_round",
        "WTL, second round",
        "WTL whose policy was also trained on retrials of the first one.",
        GREY,
        Condition(
            "wtl_second_round_2_trials",
            "WTL, second round, 2 trials",
            "The same after two trials: its own first retrial is the second.",
            trials=("mil", "wtl_second_round"),
        ),
        trials=("mil",),
        config=_Contextual(demos=True, trials=True),
        kind=_CONTEXTUAL,
        trial_source="mil",
        retrial_source="wtl",
    ),
    _method(
        "mil",
        "MIL",
        "One-shot imitation: acts given the demonstration; its episode is the trial "
        "that WTL is given.",
        ORANGE,
        Condition(
            "mil_second_try",
            "MIL, second try",
            "A second, independent try of MIL without learning from the first: the "
            "worth of another try alone.",
            ROSE,
            sampled=True,
        ),
        Condition(
            "mil_shown_human",
            "MIL, given a human video",
            "MIL, which was never trained on human videos, given one: the domain gap.",
            shown_human=True,
            in_default=False,
        ),
        config=_Contextual(demos=True),
        kind=_CONTEXTUAL,
        compared_with=("bc", "tecnet"),
        in_default=True,
    ),
    _method(
        "maml",
        "MAML",
        "One-shot imitation by gradient: takes a learned gradient step on the "
        "demonstration.",
        ROSE,
        config=_Maml(),
        kind=_MAML,
    ),
    _method(
        "tecnet",
        "TecNet",
        "One-shot imitation by an embedding of the task, shaped by a margin loss, with "
        "the entity acted on inferred and matched as in MIL.",
        TEAL,
        config=_Tecnet(),
        kind=_TECNET,
        compared_with=("tecnet_flat",),
    ),
    _method(
        "tecnet_flat",
        "TecNet, flat",
        "TecNet as published, without a structure of entities.",
        BROWN,
        config=_Tecnet(per_entity=False),
        kind=_TECNET,
    ),
    _method(
        "wtl_human",
        "Human WTL",
        "Acts given a human video and a trial of its own with its outcome.",
        TEAL,
        Condition(
            "wtl_human_new_scene",
            "Human WTL, new scene",
            "Human WTL whose retrial is in another scene than its trial.",
            TEAL,
            trials=("mil_human",),
            scene=NEW,
        ),
        trials=("mil_human",),
        config=_Contextual(demos=True, trials=True, human=True),
        kind=_CONTEXTUAL,
        trial_source="mil_human",
        compared_with=("mil_human", "mil_human_second_try"),
    ),
    _method(
        "mil_human",
        "Human MIL",
        "Infers the entity acted on in a human video, and acts; trained on pairs of a "
        "human video and a robot's demonstration.",
        BROWN,
        Condition(
            "mil_human_second_try",
            "Human MIL, second try",
            "A second, independent try of Human MIL without learning from the first.",
            ROSE,
            sampled=True,
        ),
        config=_Contextual(demos=True, human=True),
        kind=_CONTEXTUAL,
        compared_with=("daml", "mil_shown_human"),
    ),
    _method(
        "daml",
        "DAML",
        "Takes a gradient step on a human video, by a learned loss that convolves over "
        "time; trained on the same pairs.",
        GREEN,
        config=_Daml(human=True),
        kind=_DAML,
        compared_with=("daml_linear", "contextual_human", "maml_video_shown_human"),
    ),
    _method(
        "daml_linear",
        "DAML, linear loss",
        "DAML whose learned loss takes every frame by itself.",
        GOLD,
        config=_Daml(human=True, temporal=False),
        kind=_DAML,
    ),
    _method(
        "contextual_human",
        "Flat contextual, human",
        "Encodes a human video as one embedding, without a structure of entities; "
        "trained on the same pairs.",
        GREY,
        config=_Contextual(demos=True, human=True, per_entity=False),
        kind=_CONTEXTUAL,
    ),
    _method(
        "maml_video",
        "MAML, robot's video",
        "DAML's step on a video of the robot itself: there is no domain to adapt to.",
        ROSE,
        Condition(
            "maml_video_shown_human",
            "MAML, given a human video",
            "The same, which was never trained on human videos, given one: the domain "
            "gap.",
            shown_human=True,
            in_default=False,
        ),
        config=_Daml(),
        kind=_DAML,
    ),
    _method(
        "demo_hidden_at_retrial",
        "Demo hidden",
        "Acts given the trial made after the demonstration, without the demonstration.",
        GREEN,
        trials=("mil",),
        config=_Contextual(trials=True),
        kind=_CONTEXTUAL,
        trial_source="mil",
        in_default=True,
    ),
    _method(
        "trial_only",
        "Trial only",
        "Never given a demonstration: acts given a trial of BC with its outcome.",
        GOLD,
        *_after("trial_only", "bc", "Trial only", range(2, 10), in_default=False),
        trials=("bc",),
        config=_Contextual(trials=True),
        kind=_CONTEXTUAL,
        trial_source="bc",
        in_default=True,
    ),
    _method(
        "bc",
        "BC",
        "Behaviour cloning: acts on the scene alone, without demonstration or trial.",
        GREY,
        config=_Contextual(),
        kind=_CONTEXTUAL,
        in_default=True,
    ),
    Method(
        "mil_sac_demo",
        "SAC from MIL, demonstration kept",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration, which is in the replay buffer too.",
        ROSE,
        config=Start("mil", keeps_demo=True),
    ),
    Method(
        "mil_sac",
        "SAC from MIL",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration.",
        GREEN,
        config=Start("mil"),
    ),
    Method(
        "bc_sac_demo",
        "SAC from BC, demonstration kept",
        "Reinforcement learning of one task, from BC's policy, with the "
        "demonstration in the replay buffer.",
        GOLD,
        config=Start("bc", keeps_demo=True),
    ),
    Method(
        "bc_sac",
        "SAC from BC",
        "Reinforcement learning of one task, from BC's policy.",
        TEAL,
        config=Start("bc"),
    ),
    Method(
        "sac",
        "SAC from scratch",
        "Reinforcement learning of one task, from random weights.",
        BROWN,
        config=Start(),
    ),
    _method(
        "oracle_task",
        "Oracle",
        "Given the task and the target: the motor skill that a policy can reach.",
        VIOLET,
        config=_Contextual(oracle=True),
        kind=_CONTEXTUAL,
        in_default=True,
    ),
)

# Conditions whose comparison is the claim of Watch, Try, Learn.
TRIAL, RETRIAL, SECOND_TRY, BASELINE = "mil", "wtl", "mil_second_try", "bc"

METHODS: dict[str, Method] = {method.name: method for method in _RECORDS}
CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for method in METHODS.values()
    for condition in method.conditions
}


def uses_human_videos(condition: Condition) -> bool:
    """Whether the demonstrations of a condition are human videos."""
    return condition.shown_human or METHODS[condition.method].config.human


def compared() -> list[tuple[str, str]]:
    """Return pairs of conditions that are compared scene by scene."""
    return [
        (method.name, other)
        for method in METHODS.values()
        for other in method.compared_with
    ]


def _known(name: str) -> Condition | Method | None:
    """Return the condition or method of `NAME` or `SET/NAME`."""
    name = name.rpartition("/")[2]
    return CONDITIONS.get(name) or METHODS.get(name)


def label(name: str) -> str:
    """Short name of a condition or method, or of `SET/NAME`; unknown ones unchanged."""
    of, _, last = name.rpartition("/")
    known = _known(name)
    text = known.label if known else last
    return f"{text} ({of})" if of else text


def description(name: str) -> str | None:
    """Description of a condition or method, or of `SET/NAME`; None if unknown."""
    known = _known(name)
    return known and known.description


def colour(name: str) -> str:
    """Colour of a condition or method, or of `SET/NAME`; grey if it is unknown."""
    known = _known(name)
    return known.colour if known else GREY


def colours(names: Collection[str]) -> dict[str, str]:
    """Colours of lines in one figure: a method's own, or if that is taken another."""
    chosen: dict[str, str] = {}
    for name in names:
        if colour(name) not in chosen.values():
            chosen[name] = colour(name)
    for name in names:
        free = (c for c in FREE if c not in chosen.values())
        chosen.setdefault(name, next(free, colour(name)))
    return chosen


def in_order(names: Iterable[str]) -> list[str]:
    """Known conditions and methods in the order above, then the others as they come."""
    order = [
        name
        for method in METHODS.values()
        for name in dict.fromkeys([method.name, *(c.name for c in method.conditions)])
    ]
    place = {name: i for i, name in enumerate(order)}
    return sorted(names, key=lambda n: place.get(n.rpartition("/")[2], len(place)))


def rounds(conditions: Sequence[Condition]) -> list[list[Condition]]:
    """Conditions in rounds: each comes after those whose episodes are its trials."""
    chosen = {condition.name: condition for condition in conditions}

    @functools.cache
    def round_of(name: str) -> int:
        before = [round_of(n) for n in chosen[name].trials if n in chosen]
        return 1 + max(before, default=-1)

    last = max(map(round_of, chosen), default=-1)
    return [
        [condition for condition in conditions if round_of(condition.name) == number]
        for number in range(last + 1)
    ]
