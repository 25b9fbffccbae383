"""Plan of the episodes that an operator records in a run."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.collection.teleop.plan import Item
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.task import Task
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading.store import EpisodeStore
from wtl.pipeline import demonstrations as demonstrated
from wtl.pipeline.collect_trials import shown_index
from wtl.pipeline.run import Run


def chosen_tasks(
    run: Run, split: str, families: Sequence[str], tasks: int
) -> list[Task]:
    """Return the first tasks of a split that are of some families."""
    return [t for t in run.suite.tasks(split) if t.family in families][:tasks]


def demonstrations(run: Run, tasks: Sequence[Task], count: int) -> list[Item]:
    """Return the first demonstrations of tasks, with the ids of the scripted ones."""
    left = {task.task_id: count for task in tasks}
    result = []
    for request in demonstrated.requests(run, count):
        task = request.setup.task
        if left.get(task.task_id, 0) > 0:
            left[task.task_id] -= 1
            result.append(
                Item(
                    request.setup,
                    request.episode_id,
                    fields.ROLE_DEMO,
                    request.rule,
                )
            )
    return result


def with_policy(items: Sequence[Item], demos: EpisodeStore) -> list[Item]:
    """Return the same items, each with a demonstration for a policy that assists.

    The demonstration has the same target in another scene of the task; where there is
    none, no policy assists.
    """
    result = []
    for item in items:
        setup = item.setup
        rows = np.flatnonzero(
            (demos[fields.TASK_ID] == setup.task.task_id)
            & (demos[fields.SCENE_SEED] != setup.scene_seed)
        )
        good = [r for r in rows if shown_index(setup.task, demos, r) == setup.target]
        shown = str(demos[fields.EPISODE_ID][good[0]]) if good else ""
        result.append(dataclasses.replace(item, shown=shown))
    return result


def trials(
    run: Run, tasks: Sequence[Task], count: int, demos: EpisodeStore
) -> list[Item]:
    """Return trials of demonstrations in other scenes, a retrial after each.

    Args:
      run: the run.
      tasks: their tasks.
      count: scenarios (a demonstration and a scene) of each task.
      demos: the demonstrations of the run.
    """
    result = []
    for task in tasks:
        rows = np.flatnonzero(demos[fields.TASK_ID] == task.task_id)
        seeds = demos[fields.SCENE_SEED][rows]
        for i in range(count):
            seed = seeding.derive_seed(run.seed, "teleop", task.task_id, i)
            rng = np.random.default_rng(seed)
            row = int(rng.choice(rows))
            others = seeds[seeds != demos[fields.SCENE_SEED][row]]
            if not len(others):
                continue
            # As for trials of policies, success is that of the rule by identity.
            setup = environment.Setup(
                task, int(rng.choice(others)), shown_index(task, demos, row)
            )
            trial, retrial = (
                episodes.episode_id(fields.WTL_TRIALS, task.task_id, role, i, seed)
                for role in (fields.ROLE_TRIAL, fields.ROLE_RETRIAL)
            )
            shown = str(demos[fields.EPISODE_ID][row])
            result.append(Item(setup, trial, fields.ROLE_TRIAL, "", shown))
            result.append(Item(setup, retrial, fields.ROLE_RETRIAL, "", shown, trial))
    return result
