"""Tasks from which methods learn by trials alone."""

import contextlib
import dataclasses
import operator
from collections.abc import Callable, Iterator

from wtl.collection import vector_environment
from wtl.collection.task_pool import Attempt, TaskPool
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Task
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.evaluation.scenario import scenarios
from wtl.pipeline import choices
from wtl.pipeline.run import Run
from wtl.policies.encoders import view as views
from wtl.policies.strikes.view import StrikeView

POINT_ROBOT, SPARSE_POINT_ROBOT = "point_robot", "sparse_point_robot"
STRIKES = "strikes"
# Besides the world of a run's suite.
WORLDS = (POINT_ROBOT, SPARSE_POINT_ROBOT, STRIKES)
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
      misses: whether the return of a trial is minus the distance, in metres, by which
        it missed the target.
    """

    view: views.View
    train: TaskPool
    held_out: Callable[[str, int], HeldOut]
    oracle_bound: Callable[[int, str], float | None]
    misses: bool = False


@contextlib.contextmanager
def open_world(run: Run, name: str, shaped: bool) -> Iterator[TrialWorld]:
    """Open a world: that of the run's suite, or one of `WORLDS`.

    Args:
      run: the run.
      name: name of the world; strikes are those of the suite's pucks.
      shaped: whether training on the suite's tasks is rewarded for progress.

    Raises:
      UserError: if the name is unknown, or the suite is of another world.
    """
    choices.check("meta_rl.world", [name], (run.suite.world.name, *WORLDS))
    if name in (POINT_ROBOT, SPARSE_POINT_ROBOT):
        yield _point_robots(run.suite, sparse=name == SPARSE_POINT_ROBOT)
        return
    needed = "strike_tasks" if name == STRIKES else "trial_tasks"
    run.require_capability(needed, f"meta_rl.world = {name!r}")
    if name == STRIKES and not run.suite.puck:
        raise UserError(
            "meta_rl.world = 'strikes' needs hidden dynamics of objects; set "
            "suite.puck = @puck()"
        )
    with vector_environment.ProcessVectorEnvironment(run.processes) as pool:
        if name == STRIKES:
            yield _strikes_of(run.suite, pool)
        else:
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

    train = suite.world.trial_tasks(pool, _training_scenes(suite), shaped)
    if suite.world.entities is None:
        view = views.flat_view(train.observation_size, train.action_size)
        return TrialWorld(view, train, held_out, lambda number, split: None)
    view = views.entity_view(suite.layout, train.action_size)
    bound = suite.world.oracle_bound(suite)
    return TrialWorld(view, train, held_out, bound.nth_trial)


def _strikes_of(
    suite: TaskDistribution, pool: vector_environment.ProcessVectorEnvironment
) -> TrialWorld:
    """Pucks of a suite; held-out ones are inside the ranges of training, or outside.

    The same held-out objects are in the same scenes inside and outside.
    """

    def held_out(split: str, scenes: int) -> HeldOut:
        chosen, names = [], []
        for family, ranges in {"inside": suite.puck, **suite.puck.outside()}.items():
            shifted = dataclasses.replace(suite, puck=ranges)
            planned = scenarios(shifted, split, scenes)
            # Neighbours, one of which may be given the trials of the other, are of
            # different pucks.
            for each in sorted(planned, key=operator.attrgetter("index")):
                chosen.append((each.task, each.scene_seed))
                # Names tell pucks apart that differ by their dynamics alone.
                names.append((f"{each.task.task_id}-{family}", family, each.index))
        attempts = [Attempt(i) for i in range(len(chosen))]
        return HeldOut(suite.world.strike_tasks(pool, chosen), attempts, names)

    train = suite.world.strike_tasks(pool, _training_scenes(suite))
    flat = views.flat_view(train.observation_size, train.action_size)
    view = StrikeView(
        **{f.name: getattr(flat, f.name) for f in dataclasses.fields(flat)},
        place=train.place,
        target=train.target,
        commands=train.commands,
        rest=train.rest,
        horizon=train.horizon,
        hidden=train.hidden.shape[1],
    )
    return TrialWorld(view, train, held_out, lambda number, split: None, misses=True)


def _training_scenes(suite: TaskDistribution) -> list[tuple[Task, int]]:
    """Return training tasks, each with the seeds of its scenes."""
    return [
        (task, suite.scene_seed(task, "demo", i))
        for i in range(suite.scenes_per_task)
        for task in suite.tasks(fields.SPLIT_TRAIN)
    ]


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
