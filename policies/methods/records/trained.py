"""Records of methods that are trained on episodes, and of conditions they share."""

import dataclasses
from collections.abc import Iterable

from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.daml.config import DamlConfig
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
)
from wtl.policies.replay.config import ReplayConfig
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
        *(name, label, description, colour, config, _KINDS[type(config)]),
        trial_source=trial_source,
        conditions=(first, *further),
        **record,
    )


def after(
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


def without_learning(method: str, label: str) -> tuple[Condition, ...]:
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
        *after(name, method, shown, (2, 3), **shift),
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
