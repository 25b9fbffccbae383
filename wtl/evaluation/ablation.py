"""What each ablation of a grid came to, beside the base that it differs from."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation import interval
from wtl.evaluation.glossary import label
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.table import aligned, markdown, percent, points, with_interval


@dataclasses.dataclass(frozen=True)
class Ablation:
    """How a configuration appears in the table.

    Attributes:
      label: what differs from the base, in words.
      arms: arms of its evaluation, each a line of the table.
      against: arm of the base that they are compared with; by default each with the
        same arm, or with the base's first where it has not played that. The base's
        own are compared with its first.
      families: on whose tasks success and difference are counted; all if empty.
    """

    label: str = ""
    arms: Sequence[str] = ("wtl",)
    against: str = ""
    families: Sequence[str] = ()


def entries(
    name: str,
    ablation: Ablation,
    rows: Sequence[RolloutRow],
    base: Sequence[RolloutRow],
    foremost: str,
) -> list[dict[str, Any]]:
    """Summarises one configuration: an entry for each of its arms.

    Args:
      name: of the configuration.
      ablation: how it appears.
      rows: rollouts of its evaluation.
      base: rollouts of the base.
      foremost: first arm of the base.

    Returns:
      `name`, `label`, `arm`, `against`, `families` counted, `overall`, `ceiling`, and
      for each family its rate; `difference` from the base, on the scenes of both, in
      all and by family, None between a thing and itself and where the base has not
      all of these tasks.

    Raises:
      ValueError: if an arm was not evaluated.
    """
    result = []
    for arm in ablation.arms:
        played = _by(arm, rows)
        same = rows is not base and any(row.method == arm for row in base)
        other = ablation.against or (arm if same else foremost)
        against = _by(other, base)
        counted = _of(played, ablation.families)
        itself = rows is base and arm == other
        by_family = {
            family: _of(played, (family,))
            for family in dict.fromkeys(row.family for row in played)
        }
        result.append(
            {
                "name": name,
                "label": ablation.label or name,
                "arm": arm,
                "against": other,
                "families": list(ablation.families) or list(by_family),
                "overall": interval.rate_by_task(counted),
                "ceiling": sum(row.ceiling for row in counted) / max(len(counted), 1),
                "difference": None if itself else _paired(counted, against),
                "by_family": {
                    family: interval.rate([row.success for row in of_family])
                    | {"difference": (None if itself else _paired(of_family, against))}
                    for family, of_family in by_family.items()
                },
            }
        )
    return result


def _paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    # Of other tasks, a few may have a name that is one of the base's by accident.
    if {row.task_id for row in first} <= {row.task_id for row in second}:
        return interval.paired(first, second)
    return None


def _by(arm: str, rows: Sequence[RolloutRow]) -> list[RolloutRow]:
    found = [row for row in rows if row.method == arm]
    if not found:
        raise ValueError(f"the arm {arm!r} was not evaluated; see evaluate.arms")
    return found


def _of(rows: Sequence[RolloutRow], families: Sequence[str]) -> list[RolloutRow]:
    return [row for row in rows if not families or row.family in families]


def format_table(results: Mapping[str, Any]) -> str:
    """The table for the terminal."""
    return "\n".join([_caption(results), "", *aligned(*_cells(results))])


def markdown_table(results: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    failed = [f"- {name} failed: {why}" for name, why in results["failed"].items()]
    lines = [_caption(results), "", *markdown(*_cells(results)), "", *failed]
    return "\n".join(lines).rstrip() + "\n"


def _caption(results: Mapping[str, Any]) -> str:
    protocol = results["protocol"]
    return (
        f"Success in percent on {protocol['tasks']} held-out tasks "
        f"({protocol['split']}) × {protocol['scenes_per_task']} scenes, and the "
        "difference in points from the base on the same scenes, each with its 95% "
        "interval over tasks"
    )


def _cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    found = results["ablations"]
    families = list(dict.fromkeys(f for entry in found for f in entry["by_family"]))
    header = ["configuration", "method", "success [95%]", "ceiling"]
    header += ["difference [95%]", "from the base's", *families, "n"]
    body = []
    for entry in found:
        of_some = len(entry["families"]) < len(entry["by_family"])
        note = f" ({', '.join(entry['families'])} only)" if of_some else ""
        rates = (entry["by_family"].get(family) for family in families)
        body.append(
            [
                entry["label"] + note,
                label(entry["arm"]),
                with_interval(entry["overall"]),
                percent(entry["ceiling"]),
                _difference(entry["difference"]),
                label(entry["against"]) if entry["difference"] else percent(None),
                *(percent(rate and rate["success"]) for rate in rates),
                str(entry["overall"]["n"]),
            ]
        )
    return header, body


def _difference(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return percent(None)
    low, high = found["ci95"]
    return f"{points(found['difference'])} [{points(low)}, {points(high)}]"
