"""Results of a grid of ablations, each beside the base that it differs from."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation import interval
from wtl.evaluation.rollout_row import RolloutRow, grouped
from wtl.evaluation.statistics import mean_bound
from wtl.evaluation.table import (
    aligned,
    caption,
    difference_in_points,
    markdown,
    percent,
    with_interval,
)
from wtl.policies.methods import label


@dataclasses.dataclass(frozen=True)
class Ablation:
    """Row of the table for one configuration.

    Attributes:
      label: difference from the base, in words.
      conditions: those of its evaluation, each a line of the table.
      against: condition of the base to compare with. By default it is the same
        condition, or the first of the base where the base has not played that; those
        of the base itself are compared with its first.
      families: families whose tasks count in success and difference; all if empty.
    """

    label: str = ""
    conditions: Sequence[str] = ("wtl",)
    against: str = ""
    families: Sequence[str] = ()


def entries(
    name: str,
    ablation: Ablation,
    rows: Sequence[RolloutRow],
    base: Sequence[RolloutRow],
    default: str,
) -> list[dict[str, Any]]:
    """Summarise the rollouts of a configuration, an entry for each of its conditions.

    `base` holds the rollouts of the base, and `default` names its first condition.

    Returns:
      `name`, `label`, `arm`, `against`, `families` counted, `overall`, `ceiling`, and
      the rate of each family; `difference` from the base on common scenes, in all and
      by family. The difference is None between a condition and itself, and where the
      base lacks some of the tasks.

    Raises:
      ValueError: if a condition was not evaluated.
    """
    result = []
    for condition in ablation.conditions:
        played = _by(condition, rows)
        same = rows is not base and any(row.method == condition for row in base)
        other = ablation.against or (condition if same else default)
        against = _by(other, base)
        if rows is base and condition == other:
            against = []
        by_family = grouped(played, "family")
        counted = [
            row for row in played if row.family in (ablation.families or by_family)
        ]
        result.append(
            {
                "name": name,
                "label": ablation.label or name,
                "arm": condition,
                "against": other,
                "families": list(ablation.families) or list(by_family),
                "overall": interval.rate_by_task(counted),
                "ceiling": mean_bound(counted),
                "difference": _paired(counted, against),
                "by_family": {
                    family: interval.rate_by_task(of_family)
                    | {"difference": _paired(of_family, against)}
                    for family, of_family in by_family.items()
                },
            }
        )
    return result


def _paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    # Other tasks, or those with other rules, may share names with the base by accident.
    tasks, others = ({(row.task_id, row.rule) for row in r} for r in (first, second))
    if tasks <= others:
        return interval.paired(first, second)
    return None


def _by(condition: str, rows: Sequence[RolloutRow]) -> list[RolloutRow]:
    found = [row for row in rows if row.method == condition]
    if not found:
        raise ValueError(
            f"the condition {condition!r} was not evaluated; see evaluate.conditions"
        )
    return found


def format_table(results: Mapping[str, Any]) -> str:
    """Return the table for the terminal."""
    return "\n".join([_caption(results), "", *aligned(*_cells(results))])


def markdown_table(results: Mapping[str, Any]) -> str:
    """Return the table as Markdown."""
    failed = [f"- {name} failed: {why}" for name, why in results["failed"].items()]
    lines = [_caption(results), "", *markdown(*_cells(results)), "", *failed]
    return "\n".join(lines).rstrip() + "\n"


def _caption(results: Mapping[str, Any]) -> str:
    return (
        f"{caption(results['protocol'])}, and the difference in points from the base "
        "on the same scenes, each with its 95% interval over tasks"
    )


def _cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    found = results["ablations"]
    families = list(dict.fromkeys(f for entry in found for f in entry["by_family"]))
    header = ["configuration", "method", "success [95%]", "oracle bound"]
    header += ["difference [95%]", "from the base's", *families, "n"]
    body = []
    for entry in found:
        of_some = len(entry["families"]) < len(entry["by_family"])
        note = f" ({', '.join(entry['families'])} only)" if of_some else ""
        rates = (entry["by_family"].get(family) for family in families)
        difference = entry["difference"]
        body.append(
            [
                entry["label"] + note,
                label(entry["arm"]),
                with_interval(entry["overall"]),
                percent(entry["ceiling"]),
                difference_in_points(difference) if difference else percent(None),
                label(entry["against"]) if difference else percent(None),
                *(percent(rate and rate["success"]) for rate in rates),
                str(entry["overall"]["n"]),
            ]
        )
    return header, body
