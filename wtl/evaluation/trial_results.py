"""Success and return by trial number, for agents that learn from trials."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wtl.evaluation import adaptation, interval
from wtl.evaluation.rollout_row import grouped
from wtl.evaluation.table import aligned, percent, with_interval
from wtl.policies.methods import label

_SHOWN = (1, 2, 3, 5, 10)  # trials of the table


@dataclasses.dataclass(frozen=True)
class TrialRow:
    """Result of one trial, a row of `trials.csv`.

    Attributes:
      method: name of the method, such as `pearl`.
      task_id: the task.
      family: family of the task.
      pair: index of the scene within the task, as in `episodes.csv`.
      trial: number of the trial, from 1.
      success: whether the goal was reached at its end.
      score: sum of the observed rewards.
    """

    method: str
    task_id: str
    family: str
    pair: int
    trial: int
    success: bool
    score: float

    @property
    def run(self) -> str:
        """Name of the run, as in `RolloutRow`; always empty."""
        return ""


def results(
    rows: Sequence[TrialRow],
    protocol: Mapping[str, Any],
    oracle_bound: Callable[[int], float | None],
    curve: Sequence[Mapping[str, Any]],
    misses: bool = False,
) -> dict[str, Any]:
    """Summarise an evaluation of one method.

    Args:
      rows: its trials.
      protocol: `method`, `world`, `split`, `trials`, `seed`, `env_steps`, ….
      oracle_bound: trial number -> success of an ideal agent, None if unknown.
      curve: `by_trial` of validation tasks during training, with `env_steps`.
      misses: see `by_trial`.

    Returns:
      Contents of `results.json`.
    """
    return {
        "protocol": dict(protocol),
        "trials": by_trial(rows, misses),
        "families": {
            family: {
                str(number): _rates(group)
                | (_misses(group, of_family) if misses else {})
                for number, group in sorted(grouped(of_family, "trial").items())
            }
            for family, of_family in grouped(rows, "family").items()
        },
        "ceiling": {
            str(number): oracle_bound(number)
            for number in sorted(grouped(rows, "trial"))
        },
        "curve": list(curve),
    }


def by_trial(rows: Sequence[TrialRow], misses: bool = False) -> dict[str, Any]:
    """Return success and mean observed return by trial number.

    Args:
      rows: trials.
      misses: whether the return is minus the distance to the target, metres. Then there
        are the `error_cm` and its `ratio_to_first`, to that of the first trial, too.
    """
    return {
        str(number): _rates(group) | (_misses(group, rows) if misses else {})
        for number, group in sorted(grouped(rows, "trial").items())
    }


def _rates(group: Sequence[TrialRow]) -> dict[str, Any]:
    scores = [row.score for row in group]
    return interval.rate_by_task(group) | {
        "return": interval.mean_by_task(group, scores)
    }


def _misses(group: Sequence[TrialRow], rows: Sequence[TrialRow]) -> dict[str, Any]:
    """Return errors of trials of one number, and as a ratio to the first of `rows`."""
    first = {(row.task_id, row.pair): -row.score for row in rows if row.trial == 1}
    missed = [-row.score for row in group]
    before = [first[row.task_id, row.pair] for row in group]
    return {
        "error_cm": interval.mean_by_task(group, [100 * each for each in missed]),
        "ratio_to_first": adaptation.ratio(group, missed, before),
    }


def caption(results: Mapping[str, Any]) -> str:
    """Return what the table of `cells` shows."""
    protocol, trials = results["protocol"], results["trials"]
    first = next(iter(trials.values()))
    return (
        f"{label(protocol['method'])}, {protocol['env_steps']:,} environment steps: "
        f"success in percent in the n-th trial, n = {first['n']} scenes of "
        f"{protocol['tasks']} held-out tasks ({protocol['split']})"
    )


def cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a table with a column for a few trials each."""
    trials = results["trials"]
    shown = [str(n) for n in _SHOWN if str(n) in trials]
    body = [
        ["success"] + [with_interval(trials[n]) for n in shown],
        ["return"] + [_mean(trials[n]["return"]) for n in shown],
    ]
    misses = "error_cm" in trials[shown[0]]
    if misses:
        body[1] = ["error, cm"] + [_mean(trials[n]["error_cm"]) for n in shown]
    if None not in results["ceiling"].values():
        bounds = [percent(results["ceiling"][n]) for n in shown]
        body.append(["oracle bound", *bounds])
    if len(results["families"]) > 1:
        for family, rates in results["families"].items():
            body.append([family] + [percent(rates[n]["success"]) for n in shown])
            of_family = ("error_cm", "error, cm") if misses else ("return", "return")
            means = [_mean(rates[n][of_family[0]]) for n in shown]
            body.append([f"{family}, {of_family[1]}", *means])
    return ["trial", *shown], body


def format_table(results: Mapping[str, Any]) -> str:
    """Return the caption and the table as aligned plain text."""
    return "\n".join([caption(results), "", *aligned(*cells(results))])


def _mean(found: Mapping[str, Any]) -> str:
    low, high = found["ci95"]
    return f"{found['mean']:.2f} [{low:.2f}, {high:.2f}]"
