"""Evaluation of the user's own policies."""

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.evaluation import table
from wtl.pipeline import own_policy, stages

Observation = Mapping[str, np.ndarray]


class OwnPolicy(Protocol):
    """Policy of the user, such as `wtl.load_policy` returns."""

    def reset(self, *, demos: Sequence[Episode], trials: Sequence[Episode]):
        """Begin an episode, given demonstrations and earlier attempts at its task."""

    def act(self, observation: Observation) -> np.ndarray:
        """Return the action [A] for an observation, in the limits of the world."""


def evaluate(
    policy: OwnPolicy | Callable[[Observation], np.ndarray],
    run_dir: str | os.PathLike | None = None,
    name: str = "my policy",
    *,
    world: str = "",
    tasks: int = 20,
    trials_from: str | Sequence[str] = (),
    new_scene: bool = False,
    split: str = fields.SPLIT_TEST,
) -> dict[str, Any]:
    """Play a policy as the conditions of an evaluated run were, and compare it.

    It gets the same held-out tasks, scenes and demonstrations. Its episodes, the table
    and the report are written to `RUN/evaluation/NAME/`; the run's own stay. Repeat an
    interrupted call to resume it.

    Without a run, name a `world`: its scripted expert demonstrates held-out tasks, and
    the table has the policy alone.

    Args:
      policy: an object with `reset` and `act`, or a function from observation to
        action, which is given no demonstration. It is called in this process.
      run_dir: folder of a run after `wtl run` or `wtl evaluate`; with `world` the
        folder to write to, by default `runs/evaluate_WORLD`.
      name: of the policy, in the table and as a folder.
      world: name of the world, to evaluate without a run.
      tasks: number of held-out tasks of `world`, in four scenes each.
      trials_from: condition whose episode in the same scenario is given as a trial,
        such as `"mil"`; several give several trials, in order.
      new_scene: whether the policy plays in another scene than its trials.
      split: `test`, or `val` for choices, if the run is evaluated there.

    Returns:
      Contents of `results.json`: the run's conditions and the policy in `methods`, its
      differences to each of them in `paired`, as `NAME_vs_CONDITION`.

    Raises:
      UserError: if the run is not evaluated, the name is taken, or an action has a
        wrong shape, is not finite or exceeds the limits.
    """
    if not callable(getattr(policy, "act", policy)):
        raise UserError("the policy is neither a function nor an object with `act`")
    if getattr(policy, "takes_human_videos", False):
        raise UserError("the policy takes human videos; wtl.evaluate gives robot demos")
    trials = (trials_from,) if isinstance(trials_from, str) else tuple(trials_from)
    if getattr(policy, "takes_trials", False) and not trials:
        raise UserError("the policy takes trials: name their origin, trials_from='mil'")
    if world:
        run_dir = run_dir or pathlib.Path("runs", f"evaluate_{world}")
        stages.configure("tasks.gin", _settings(world, tasks, split))
    elif run_dir is None:
        raise UserError("name the folder of an evaluated run, or a world=")
    else:
        config = pathlib.Path(os.path.expanduser(run_dir), "config.gin")
        if not config.is_file():
            raise UserError(f"{run_dir} is no folder of a run: it has no config.gin")
        stages.configure(str(config), [])
    with stages.open_run(str(run_dir)) as run:
        if getattr(policy, "world", run.suite.domain) != run.suite.domain:
            raise UserError(
                f"the policy acts in world {policy.world!r}, the run in "
                f"{run.suite.domain!r}"
            )
        if world:
            stages.perform(run, ["collect_demos"])
        found = own_policy.evaluate(
            run, policy, name, trials, new_scene, split, alone=bool(world)
        )
    results, folder = found
    print(table.format_table(results))
    print(f"\nReport: {folder / 'report.html'}")
    return results


def _settings(world: str, tasks: int, split: str) -> list[str]:
    """Bindings of a run that demonstrates held-out tasks of a world and little else."""
    counts = {name: 0 for name in fields.SPLITS} | {fields.SPLIT_TRAIN: 1, split: tasks}
    return [
        f"suite.domain = {world!r}",
        # A world of the calling script is known to this process alone.
        "run.workers = 0",
        *(f"suite.{name}_tasks = {count}" for name, count in counts.items()),
    ]
