"""The worlds in which methods learn from trials alone."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from wtl.collection import vector_environment
from wtl.collection.task_pool import Attempt, TaskPool
from wtl.collection.worlds.entities import environment, oracle_bound
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.trial_tasks import GripperTasks
from wtl.datasets.contract.errors import UserError
from wtl.evaluation import protocol
from wtl.pipeline.run import Run
from wtl.policies.encoders import view as views

GRIPPER, POINT_ROBOT, SPARSE_POINT_ROBOT = WORLDS = (
    "gripper",
    "point_robot",
    "sparse_point_robot",
)
# Within which point robots succeed, and where sparse ones feel something.
_RADIUS, _SPARSE_RADIUS = 0.2, 0.3


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What is played to measure an agent.

    Attributes:
      pool: plays it.
      attempts: one for each scene of each task.
      names: (task_id, family, number of the scene) of each attempt.
    """

    pool: TaskPool
    attempts: list[Attempt]
    names: list[tuple[str, str, int]]


@dataclasses.dataclass(frozen=True)
class TrialWorld:
    """A world.

    Attributes:
      view: how networks look at it.
      train: the training tasks.
      held_out: (split, scenes of each task) -> what is played.
      ceiling: number of a trial -> success of an ideal agent.
    """

    view: views.View
    train: TaskPool
    held_out: Callable[[str, int], HeldOut]
    oracle_bound: Callable[[int], float | None]


@contextlib.contextmanager
def open_world(run: Run, name: str, shaped: bool) -> Iterator[TrialWorld]:
    """Opens a world of `WORLDS`, the gripper's with the tasks of the run's suite.

    Args:
      run: the run.
      name: of the world.
      shaped: whether training in the gripper's world is rewarded for progress.

    Raises:
      UserError: if there is none of that name, or the suite is of another world.
    """
    if name not in WORLDS:
        raise UserError(f"meta_rl.world is {name!r}; known are {', '.join(WORLDS)}")
    if name != GRIPPER:
        yield _point_robots(run.suite, sparse=name == SPARSE_POINT_ROBOT)
        return
    run.require_gripper("meta_rl.world = 'gripper'")
    with vector_environment.ProcessVectorEnvironment(run.workers) as pool:
        yield _gripper(run.suite, pool, shaped)


def _gripper(
    suite: suites.Suite, pool: vector_environment.ProcessVectorEnvironment, shaped: bool
) -> TrialWorld:
    """Trials in the scenes in which WTL is demonstrated to, and evaluated."""

    def held_out(split: str, scenes: int) -> HeldOut:
        pairs = protocol.pairs(suite, split, scenes)
        setups = [
            environment.Setup.by_rule(pair.task, pair.task.rule, pair.scene_seed)
            for pair in pairs
        ]
        return HeldOut(
            GripperTasks(pool, [(setup.task, setup.scene_seed) for setup in setups]),
            [Attempt(i, setup.target) for i, setup in enumerate(setups)],
            [(pair.task.task_id, pair.task.family, pair.index) for pair in pairs],
        )

    prior = oracle_bound.Prior.of(suite)
    train = [
        (task, suite.scene_seed(task, "demo", i))
        for i in range(suite.scenes_per_task)
        for task in suite.tasks(suites.TRAIN)
    ]
    return TrialWorld(
        views.entity_view(suite.layout, worlds.ACTION_SIZE),
        GripperTasks(pool, train, shaped),
        held_out,
        lambda number: oracle_bound.nth_trial(prior, number),
    )


def _point_robots(suite: suites.Suite, sparse: bool) -> TrialWorld:
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

    train = robots(suites.TRAIN)
    view = views.flat_view(train.observation_size, train.action_size)
    return TrialWorld(view, train, held_out, lambda number: None)
