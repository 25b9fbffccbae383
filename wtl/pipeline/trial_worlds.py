"""Tasks from which methods learn by trials alone."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from wtl.collection import vector_environment
from wtl.collection.task_pool import Attempt, TaskPool
from wtl.collection.worlds import registry
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.evaluation.scenario import scenarios
from wtl.pipeline import choices
from wtl.pipeline.run import Run
from wtl.policies.encoders import view as views

POINT_ROBOT, SPARSE_POINT_ROBOT = "point_robot", "sparse_point_robot"
WORLDS = (registry.DEFAULT, POINT_ROBOT, SPARSE_POINT_ROBOT)
# Radius of success of point robots, and of the observed reward of sparse ones.
_RADIUS, _SPARSE_RADIUS = 0.2, 0.3


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Attempts with which an agent is evaluated.

    Attributes:
      pool: plays the attempts.
      attempts: one for each scene of each task.
      names: (task_id, family, number of the scene) of each attempt.
    """

    pool: TaskPool
    attempts: list[Attempt]
    names: list[tuple[str, str, int]]


@dataclasses.dataclass(frozen=True)
class TrialWorld:
    """Training and held-out tasks of a world.

    Attributes:
      view: observation layers of networks.
      train: the training tasks.
      held_out: (split, scenes of each task) -> held-out attempts.
      oracle_bound: (number of a trial, split) -> success of an ideal agent.
    """

    view: views.View
    train: TaskPool
    held_out: Callable[[str, int], HeldOut]
    oracle_bound: Callable[[int, str], float | None]


@contextlib.contextmanager
def open_world(run: Run, name: str, shaped: bool) -> Iterator[TrialWorld]:
    """Open a world of `WORLDS`: point robots, or the tasks of the run's suite.

    Args:
      run: the run.
      name: name of the world.
      shaped: whether training on the suite's tasks is rewarded for progress.

    Raises:
      UserError: if the name is unknown, or the suite is of another world.
    """
    choices.check("meta_rl.world", [name], WORLDS)
    if name != registry.DEFAULT:
        yield _point_robots(run.suite, sparse=name == SPARSE_POINT_ROBOT)
        return
    run.require_capability("trial_tasks", f"meta_rl.world = {name!r}")
    with vector_environment.ProcessVectorEnvironment(run.workers) as pool:
        yield _tasks_of(run.suite, pool, shaped)


def _tasks_of(
    suite: TaskDistribution,
    pool: vector_environment.ProcessVectorEnvironment,
    shaped: bool,
) -> TrialWorld:
    """Tasks of a suite in the scenes that are demonstrated, and evaluated."""

    def held_out(split: str, scenes: int) -> HeldOut:
        found = scenarios(suite, split, scenes)
        scenes = [s.task.scene(s.scene_seed) for s in found]
        return HeldOut(
            suite.world.trial_tasks(
                pool,
                [
                    (scene_config.task, scene_config.scene_seed)
                    for scene_config in scenes
                ],
            ),
            [Attempt(i, scene_config.target) for i, scene_config in enumerate(scenes)],
            [(s.task.task_id, s.task.family, s.index) for s in found],
        )

    bound = suite.world.oracle_bound(suite)
    train = [
        (task, suite.scene_seed(task, "demo", i))
        for i in range(suite.scenes_per_task)
        for task in suite.tasks(fields.SPLIT_TRAIN)
    ]
    return TrialWorld(
        views.entity_view(suite.layout, len(suite.world.spec.axes)),
        suite.world.trial_tasks(pool, train, shaped),
        held_out,
        bound.nth_trial,
    )


def _point_robots(suite: TaskDistribution, sparse: bool) -> TrialWorld:
    """As many robots as the suite has tasks; each has one scene."""

    def robots(split: str) -> PointRobots:
        count = getattr(suite, f"{split}_tasks")
        radius = _SPARSE_RADIUS if sparse else _RADIUS
        return PointRobots(split, count, suite.seed, sparse=sparse, radius=radius)

    def held_out(split: str, scenes: int) -> HeldOut:
        del scenes
        pool = robots(split)
        return HeldOut(
            pool,
            [Attempt(i) for i in range(pool.tasks)],
            [(f"{split}-{i:05d}", "point_robot", 0) for i in range(pool.tasks)],
        )

    train = robots(fields.SPLIT_TRAIN)
    view = views.flat_view(train.observation_size, train.action_size)
    return TrialWorld(view, train, held_out, lambda number, split: None)
