"""Summary of rollouts, as written to `results.json`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wtl.evaluation.interval import paired, rate_by_task
from wtl.evaluation.rollout_row import RolloutRow, grouped, scene_as_task
from wtl.policies.methods import (
    RETRIAL,
    SECOND_TRY,
    SHIFT,
    TRIAL,
    compared,
    in_order,
)

RULES = ("identity", "position")  # named in all results of worlds with rules


def results(rows: Sequence[RolloutRow], protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Summarise an evaluation.

    Args:
      rows: rollouts of all methods, in one run or in several that differ by seed.
      protocol: `tasks`, `scenes_per_task`, `split`, `seed`, `retrial_scene`, …. With
        `fixed_tasks` intervals are over scenes alone.

    Returns:
      Contents of `results.json`; rates over no rollouts are null. Summaries that the
      world does not define (`rules`, `conflict`, `open_targets`, `wrong_target`,
      `ceiling`) are absent.
    """
    if protocol.get("fixed_tasks"):
        rows = scene_as_task(rows)
    by_method = grouped(rows, "method")
    families = list(grouped(rows, "family"))
    return {
        "protocol": dict(protocol),
        "methods": {
            name: _method(by_method[name], families) for name in in_order(by_method)
        },
        "paired": _comparisons(by_method),
    }


def _method(rows: Sequence[RolloutRow], families: Sequence[str]) -> dict[str, Any]:
    def where(field: str, value: Any) -> list[RolloutRow]:
        return [row for row in rows if getattr(row, field) == value]

    groups: dict[str, Any] = {
        "families": {family: where("family", family) for family in families}
    }
    if any(row.rule for row in rows):
        kinds = dict.fromkeys((*RULES, *sorted({row.rule_kind for row in rows})))
        groups["rules"] = {kind: where("rule_kind", kind) for kind in kinds}
    if any(row.conflict is not None for row in rows):
        groups["conflict"] = where("conflict", True)
        groups["no_conflict"] = [row for row in rows if not row.conflict]
    if any(row.open_targets is not None for row in rows):
        numbers = sorted({row.open_targets for row in rows})
        groups["open_targets"] = {str(n): where("open_targets", n) for n in numbers}
    if any(row.trial_success is not None for row in rows):
        groups["given_trial_failed"] = where("trial_success", False)
        groups["given_trial_succeeded"] = where("trial_success", True)
    found = {"overall": rate_by_task(rows)}
    has_bound = all(row.ceiling is not None for row in rows)
    if has_bound:
        found["ceiling"] = mean_bound(rows)
    found |= _each(groups, rate_by_task)
    if all(row.wrong_target is not None for row in rows):
        found["wrong_target"] = _mean([row.wrong_target for row in rows])
        found["motor_skill"] = (
            _mean([row.success for row in rows]) + found["wrong_target"]
        )
    if has_bound:
        found["ceilings"] = _each(groups, mean_bound)
    return found


def mean_bound(rows: Sequence[RolloutRow]) -> float | None:
    """Return the mean oracle bound of rollouts; None if it is unknown."""
    bounds = [row.ceiling for row in rows]
    return None if None in bounds else _mean(bounds)


def _each(groups: Mapping[str, Any], what: Callable[[list], Any]) -> dict[str, Any]:
    return {
        name: _each(group, what) if isinstance(group, dict) else what(group)
        for name, group in groups.items()
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(sum(values) / len(values)) if values else None


def _comparisons(by_method: Mapping[str, list[RolloutRow]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for first, second in compared():
        if first in by_method and second in by_method:
            found = paired(by_method[first], by_method[second])
            if found is not None:
                result[f"{first}_vs_{second}"] = found
    if all(name in by_method for name in (TRIAL, SECOND_TRY, RETRIAL)):
        result["after_failed_trial"] = _after_failed_trial(by_method)
    return result


def _after_failed_trial(by_method: Mapping[str, list[RolloutRow]]) -> dict[str, Any]:
    """Second attempts in the scenes where MIL failed, with and without learning.

    `difference` and its interval are those of WTL and of a second try.
    """
    failed = {(row.run, *row.key) for row in by_method[TRIAL] if not row.success}
    attempts = {
        name: [row for row in by_method[name] if (row.run, *row.key) in failed]
        for name in (RETRIAL, SECOND_TRY, SHIFT)
        if name in by_method
    }
    rates = {name: rate_by_task(rows) for name, rows in attempts.items()}
    return rates | (paired(attempts[RETRIAL], attempts[SECOND_TRY]) or {})
