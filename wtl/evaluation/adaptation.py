"""Return of planners whose models adapt, as a ratio and by steps since the fault."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.evaluation import interval
from wtl.evaluation.rollout_row import grouped
from wtl.evaluation.table import aligned, percent
from wtl.evaluation.task_table import TaskTable
from wtl.policies.methods import label

SPAN = 50  # steps since the fault, over which rewards are averaged
# Steps since the fault at which the size of an adaptation is shown.
SHOWN = range(-50, 251, 10)


@dataclasses.dataclass(frozen=True)
class AdaptationRow:
    """Result of one episode, a row of `episodes.csv`.

    Attributes:
      method: name of the method, such as `grbal`.
      task_id: the task.
      family: family of the task: the kind of its fault.
      pair: index of the scene within the task.
      onset: step at which the fault begins.
      success: as the environment defines it.
      score: return of the episode.
      before: return of the steps before the fault.
      by_step: mean rewards of successive `SPAN`s of steps since the fault, as text.
      episode_id: id of the episode.
      run: name of the run, where several are compared; not a column of the table.
    """

    method: str
    task_id: str
    family: str
    pair: int
    onset: int
    success: bool
    score: float
    before: float
    by_step: tuple[str, ...]
    episode_id: str
    run: str = ""

    @property
    def after(self) -> float:
        """Return of the steps since the fault."""
        return self.score - self.before


def by_step(reward: np.ndarray) -> tuple[str, ...]:
    """Return the mean rewards of whole spans of steps, as texts for a table."""
    spans = reward[: len(reward) // SPAN * SPAN].reshape(-1, SPAN).mean(axis=1)
    return tuple(f"{value:.4f}" for value in spans)


def results(
    rows: Sequence[AdaptationRow],
    errors: Mapping[str, Mapping[str, Sequence[float | None]]],
    sizes: Mapping[str, Sequence[Sequence[float | None]]],
    protocol: Mapping[str, Any],
) -> dict[str, Any]:
    """Summarise an evaluation.

    Args:
      rows: episodes of all methods, on the same scenes in the same order.
      errors: of each method with a model, `before` and `after` adaptation in the same
        scenes; see `wtl.training.slices.model_errors`.
      sizes: of each method with a model, the size of its adaptation at the steps
        `SHOWN` in its own episodes; see `wtl.training.slices.adaptation_sizes`.
      protocol: `reference`, to which the others are compared, `world`, `split`, ….

    Returns:
      Contents of `results.json`.
    """
    by_method = grouped(rows, "method")
    reference = by_method[protocol["reference"]]
    return {
        "protocol": dict(protocol),
        "methods": {
            name: _group(of_method, reference)
            | {
                "families": {
                    family: _group(
                        group, [row for row in reference if row.family == family]
                    )
                    for family, group in grouped(of_method, "family").items()
                },
                "since_fault": _since_fault(of_method),
                "adaptation": _sizes(of_method, sizes.get(name, ())),
                "model_error": _errors(of_method, errors.get(name, {})),
            }
            for name, of_method in by_method.items()
        },
    }


def _group(
    rows: Sequence[AdaptationRow], reference: Sequence[AdaptationRow]
) -> dict[str, Any]:
    """Return success and returns of episodes, and their ratios to the reference's."""
    found: dict[str, Any] = {"success": interval.rate_by_task(rows)}
    for name, part in (("return", "score"), ("return_since_fault", "after")):
        values, others = (
            [getattr(row, part) for row in each] for each in (rows, reference)
        )
        mean = interval.mean_by_task(rows, values)
        found[name] = mean | {"ratio": ratio(rows, values, others)}
    return found


def ratio(
    rows: Sequence[AdaptationRow], values: Sequence[float], others: Sequence[float]
) -> dict[str, Any] | None:
    """Return the ratio of two means over the same scenes, with its interval.

    The interval is that of the linearised ratio over tasks and runs (delta method).

    Args:
      rows: the scenes.
      values: numerators.
      others: denominators.

    Returns:
      `ratio` and `ci95`; None unless the mean of the denominators is above 0.
    """
    above, below = (TaskTable.of_rows(rows, each) for each in (values, others))
    if below.overall <= 0:
        return None
    value = above.overall / below.overall
    rest = (above.residuals - value * below.residuals) / below.overall
    return {
        "ratio": value,
        "ci95": interval.of_mean(value, rest.mean(axis=0), [rest]),
    }


def _since_fault(rows: Sequence[AdaptationRow]) -> list[dict[str, Any]]:
    """Return mean rewards of spans of steps that most of the episodes have."""
    found = []
    for number in range(max(len(row.by_step) for row in rows)):
        group = [row for row in rows if len(row.by_step) > number]
        if 2 * len(group) > len(rows):
            values = [float(row.by_step[number]) for row in group]
            found.append({"step": number * SPAN} | interval.mean_by_task(group, values))
    return found


def _sizes(
    rows: Sequence[AdaptationRow], sizes: Sequence[Sequence[float | None]]
) -> list[dict[str, Any]]:
    """Return mean sizes at steps that most of the episodes have."""
    found = []
    for step, values in zip(SHOWN, sizes, strict=False):
        known = _known(rows, values)
        if 2 * len(known) > len(rows):
            found.append({"step": step} | interval.mean_by_task(*zip(*known)))
    return found


def _known(rows: Sequence[AdaptationRow], values: Sequence[float | None]) -> list:
    pairs = zip(rows, values, strict=True)
    return [(row, value) for row, value in pairs if value is not None]


def _errors(
    rows: Sequence[AdaptationRow], errors: Mapping[str, Sequence[float | None]]
) -> dict[str, Any]:
    found = {}
    for name, values in errors.items():
        if known := _known(rows, values):
            found[name] = interval.mean_by_task(*zip(*known, strict=True))
    return found


def format_table(results: Mapping[str, Any]) -> str:
    """Return aligned plain text with a row for each method."""
    protocol = results["protocol"]
    caption = (
        f"{protocol['world']}: return on {protocol['tasks']} held-out tasks "
        f"({protocol['split']}) × {protocol['scenes_per_task']} scenes, and its ratio "
        f"to {label(protocol['reference'])} (– where that earns nothing)"
    )
    return "\n".join([caption, "", *aligned(*cells(results))])


def cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return header and body of the table."""
    methods = results["methods"]
    families = list(next(iter(methods.values()))["families"])
    header = ["method", "return [95%]", "ratio [95%]"]
    header += [f"{family}, ratio [95%]" for family in families]
    header += ["return since the fault [95%]", "success"]
    header += ["model error before", "after adapting"]
    body = []
    for name, found in methods.items():
        of_families = (found["families"][family] for family in families)
        error = found["model_error"]
        body.append(
            [
                label(name),
                _text(found["return"], "mean", 0),
                _text(found["return"]["ratio"], "ratio", 2),
                *(_text(each["return"]["ratio"], "ratio", 2) for each in of_families),
                _text(found["return_since_fault"], "mean", 0),
                percent(found["success"]["success"]),
                *(_text(error.get(n), "mean", 3) for n in ("before", "after")),
            ]
        )
    return header, body


def _text(found: Mapping[str, Any] | None, key: str, digits: int) -> str:
    if found is None:
        return "–"
    low, high = found["ci95"]
    return f"{found[key]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
