"""Results of an evaluation without an environment: errors of actions, likelihoods."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are imported on first use

from wtl.evaluation import resampling, table
from wtl.policies.methods import label

REPLAY = "nearest_demo"  # replay of the nearest demonstration
_REPLAY_LABEL = "nearest demonstration, replayed"


@dataclasses.dataclass(frozen=True, eq=False)
class Predicted:
    """Held-out episode with the actions of a method at its observations.

    Attributes:
      action: [T, A] recorded actions.
      predicted: [T, A] actions of the method.
      log_likelihood: [T] log densities of the recorded actions, nats; None of methods
        without a density.
    """

    action: np.ndarray
    predicted: np.ndarray
    log_likelihood: np.ndarray | None = None


def results(
    found: Mapping[str, Sequence[Predicted]],
    spread: np.ndarray,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the contents of `results.json`.

    Errors are means of absolute differences, by dimension in the units of the dataset,
    and over dimensions after division by their standard deviations. Intervals are of a
    bootstrap over episodes.

    Args:
      found: by method the held-out episodes, in the same order; `REPLAY` among them.
      spread: [A] standard deviations of the actions trained on.
      about: the protocol.
    """
    std = np.where(spread > 1e-6, spread, 1.0)
    errors = {
        name: np.array([np.abs(e.predicted - e.action).mean(axis=0) for e in episodes])
        for name, episodes in found.items()
    }
    whole = {name: (error / std).mean(axis=1) for name, error in errors.items()}
    methods = {}
    for name, episodes in found.items():
        methods[name] = {
            "action_error": _mean(whole[name])
            | {"by_dimension": [_mean(column) for column in errors[name].T]},
        }
        if name == REPLAY:
            continue
        methods[name]["minus_replay"] = _mean(whole[name] - whole[REPLAY])
        if episodes[0].log_likelihood is not None:
            methods[name]["log_likelihood"] = _mean(
                np.array([e.log_likelihood.mean() for e in episodes])
            )
    return {"protocol": dict(about), "methods": methods}


def format_table(results: Mapping[str, Any]) -> str:
    """Return aligned plain text with a row per method."""
    about = results["protocol"]
    body = [
        [
            name_of(name),
            text(method["action_error"]),
            text(method.get("minus_replay")),
            text(method.get("log_likelihood")),
        ]
        for name, method in results["methods"].items()
    ]
    header = ["method", "action error (std)", "minus replay", "log-likelihood (nats)"]
    return "\n".join(
        [
            f"offline, {about['episodes']} held-out episodes ({about['split']}) of "
            f"{about['tasks']} tasks, {about['steps']} steps, seed {about['seed']}",
            "",
            *table.aligned(header, body),
        ]
    )


def name_of(method: str) -> str:
    """Return the name of a method, for people."""
    return _REPLAY_LABEL if method == REPLAY else label(method)


def text(found: Mapping[str, Any] | None) -> str:
    """Return a mean with its interval."""
    if found is None:
        return "–"
    low, high = found["ci95"]
    return f"{found['mean']:.3f} [{low:.3f}, {high:.3f}]"


def _mean(values: np.ndarray) -> dict[str, Any]:
    """Return the mean of a value of each episode, with its 95% interval."""
    mean, interval = float(values.mean()), None
    if len(values) > 1 and np.ptp(values) > 0:
        interval = scipy.stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=resampling.RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(resampling.SEED),
        ).confidence_interval
    bounds = [float(x) for x in interval] if interval else [mean, mean]
    return {"mean": mean, "ci95": bounds, "n": len(values)}
