"""Plan of the episodes that an operator records in a run."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.worlds.world import Task
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading.store import EpisodeStore
from wtl.pipeline import demonstrations as demonstrated
from wtl.pipeline.collect_trials import demonstrated_target
from wtl.pipeline.run import Run


def chosen_tasks(
    run: Run, split: str, families: Sequence[str], tasks: int
) -> list[Task]:
    """Return the first tasks of a split that are of some families."""
    return [t for t in run.suite.tasks(split) if t.family in families][:tasks]


def demonstrations(run: Run, tasks: Sequence[Task], count: int) -> list[EpisodeRequest]:
    """Return the first demonstrations of tasks, with the ids of the scripted ones."""
    left = {task.task_id: count for task in tasks}
    result = []
    for request in demonstrated.requests(run, count):
        task = request.scene.task
        if left.get(task.task_id, 0) > 0:
            left[task.task_id] -= 1
            result.append(request)
    return result


def with_policy(
    requests: Sequence[EpisodeRequest], demos: EpisodeStore
) -> list[EpisodeRequest]:
    """Return the same requests, each with a demonstration for a policy that assists.

    The demonstration has the same target in another scene of the task; where there is
    none, no policy assists.
    """
    result = []
    for request in requests:
        scene = request.scene
        rows = np.flatnonzero(
            (demos[fields.TASK_ID] == scene.task.task_id)
            & (demos[fields.SCENE_SEED] != scene.scene_seed)
        )
        good = [
            r for r in rows if demonstrated_target(scene.task, demos, r) == scene.target
        ]
        shown = tuple(str(demos[fields.EPISODE_ID][row]) for row in good[:1])
        result.append(dataclasses.replace(request, demo_ids=shown))
    return result


def trials(
    run: Run, tasks: Sequence[Task], count: int, demos: EpisodeStore
) -> list[EpisodeRequest]:
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
            scene = task.scene_of(
                int(rng.choice(others)), demonstrated_target(task, demos, row)
            )
            trial, retrial = (
                episodes.episode_id(fields.WTL_TRIALS, task.task_id, role, i, seed)
                for role in (fields.ROLE_TRIAL, fields.ROLE_RETRIAL)
            )
            shown = str(demos[fields.EPISODE_ID][row])
            known = {"scene": scene, "demo_ids": (shown,)}
            result.append(
                EpisodeRequest(episode_id=trial, role=fields.ROLE_TRIAL, **known)
            )
            result.append(
                EpisodeRequest(
                    episode_id=retrial,
                    role=fields.ROLE_RETRIAL,
                    trial_ids=(trial,),
                    trial_index=1,
                    **known,
                )
            )
    return result
