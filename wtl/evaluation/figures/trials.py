"""Success of an agent that learns from trials, by trial and over its training."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.policies.methods.palette import BLUE

_SHOWN = {"1": 0.35, "2": 0.55, "5": 0.75, "10": 1.0}  # opacity by trial


@drawing.as_svg
def figure(results: Mapping[str, Any]) -> Figure:
    """Draw success by trial with its oracle bound, and success over training.

    Args:
      results: as of `trial_results.results`.
    """
    protocol, trials = results["protocol"], results["trials"]
    title = f"{protocol['method']}, {protocol['world']}: success by trial"
    drawn = drawing.new(title, 9, 3)
    by_trial, over_steps = drawn.subplots(1, 2)
    bound = {int(n): s for n, s in results["ceiling"].items() if s is not None}
    if bound:
        line = {"color": drawing.INK, "label": "oracle bound"}
        by_trial.plot(*zip(*bound.items()), "--", **line)
        by_trial.legend(loc="upper left")
    success = [found["success"] for found in trials.values()]
    low, high = zip(*(found["ci95"] for found in trials.values()))
    numbers = list(map(int, trials))
    by_trial.vlines(numbers, low, high, color=BLUE, lw=4, alpha=0.4)
    by_trial.plot(numbers, success, "o-", color=BLUE)
    by_trial.set(title="Held-out tasks", xlabel="trial", xticks=numbers)
    curve = results["curve"]
    steps = [point["env_steps"] for point in curve]
    for number, alpha in _SHOWN.items():
        if number in curve[-1]["trials"]:
            line = [point["trials"][number]["success"] for point in curve]
            words = {"label": f"trial {number}", "alpha": alpha}
            over_steps.plot(steps, line, color=BLUE, **words)
    over_steps.set(title="Validation tasks", xlabel="environment steps of training")
    over_steps.legend()
    for axes in drawn.axes:
        drawing.of_success(axes)
    return drawn
