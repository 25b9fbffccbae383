"""From rollouts to `results.json`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wtl.evaluation.glossary import in_order
from wtl.evaluation.interval import Rate, paired, rate, rate_by_task
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.table import format_table, markdown_table

__all__ = ["format_table", "markdown_table", "results"]

RULES = ("identity", "position")
_COMPARED = (
    ("wtl", "mil"),
    ("wtl", "mil_second_try"),
    ("wtl", "demo_hidden_at_retrial"),
    ("wtl", "trial_only"),
    ("mil", "bc"),
    ("mil", "tecnet"),
    ("tecnet", "tecnet_flat"),
    ("wtl_human", "mil_human"),
    ("wtl_human", "mil_human_second_try"),
    ("daml", "daml_linear"),
    ("daml", "contextual_human"),
    ("daml", "maml_video_shown_human"),
    ("mil_human", "daml"),
    ("mil_human", "mil_shown_human"),
)


def results(rows: Sequence[RolloutRow], protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Summarises an evaluation.

    Args:
      rows: rollouts of all methods, in one run or in several that differ by seed.
      protocol: `tasks`, `scenes_per_task`, `split`, `seed`, `retrial_scene`, ….

    Returns:
      What is written to `results.json`; rates of nothing are null.
    """
    by_method: dict[str, list[RolloutRow]] = {}
    for row in rows:
        by_method.setdefault(row.method, []).append(row)
    families = list(dict.fromkeys(row.family for row in rows))
    return {
        "protocol": dict(protocol),
        "methods": {
            name: _method(by_method[name], families) for name in in_order(by_method)
        },
        "paired": _comparisons(by_method),
    }


def _method(rows: Sequence[RolloutRow], families: Sequence[str]) -> dict[str, Any]:
    conditions: dict[str, Callable[[RolloutRow], bool]] = {
        "conflict": lambda row: row.conflict,
        "no_conflict": lambda row: not row.conflict,
    }
    if any(row.trial_success is not None for row in rows):
        conditions["given_trial_failed"] = lambda row: row.trial_success is False
        conditions["given_trial_succeeded"] = lambda row: row.trial_success is True
    groups = {
        "families": {
            family: [row for row in rows if row.family == family] for family in families
        },
        "rules": {
            rule: [row for row in rows if row.rule_kind == rule] for rule in RULES
        },
        **{
            name: [row for row in rows if holds(row)]
            for name, holds in conditions.items()
        },
    }
    # Several runs play the same tasks: their rollouts are not independent.
    one_run = len({row.run for row in rows}) == 1
    successes = _mean([row.success for row in rows])
    wrong = _mean([row.wrong_target for row in rows])
    return {
        "overall": rate_by_task(rows),
        "ceiling": _mean([row.ceiling for row in rows]),
        **_each(groups, _rate if one_run else rate_by_task),
        "wrong_target": wrong,
        "motor_skill": successes + wrong,
        "ceilings": _each(groups, lambda group: _mean([row.ceiling for row in group])),
    }


def _rate(rows: Sequence[RolloutRow]) -> Rate:
    return rate([row.success for row in rows])


def _each(groups: Mapping[str, Any], what: Callable[[list], Any]) -> dict[str, Any]:
    return {
        name: _each(group, what) if isinstance(group, dict) else what(group)
        for name, group in groups.items()
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(sum(values) / len(values)) if values else None


def _comparisons(by_method: Mapping[str, list[RolloutRow]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for first, second in _COMPARED:
        if first in by_method and second in by_method:
            found = paired(by_method[first], by_method[second])
            if found is not None:
                result[f"{first}_vs_{second}"] = found
    if all(name in by_method for name in ("mil", "mil_second_try", "wtl")):
        result["after_failed_trial"] = _after_failed_trial(by_method)
    return result


def _after_failed_trial(by_method: Mapping[str, list[RolloutRow]]) -> dict[str, Any]:
    """Second chances in the scenes where MIL failed: with and without learning."""
    failed = {(row.run, *row.key) for row in by_method["mil"] if not row.success}
    chances: dict[str, list[RolloutRow]] = {
        name: [row for row in by_method[name] if (row.run, *row.key) in failed]
        for name in ("wtl", "mil_second_try")
    }
    rates: dict[str, Rate] = {
        name: rate_by_task(rows) for name, rows in chances.items()
    }
    return rates | (paired(chances["wtl"], chances["mil_second_try"]) or {})
