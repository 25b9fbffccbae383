"""Runs to teach with, and policies that need no training, for tests."""

import contextlib
import dataclasses
import sys

import numpy as np
from demonstrating import demonstrate, request
from served import Served, start

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import VectorEnvironment
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, episode_id
from wtl.datasets.reading.store import stack
from wtl.teach.lessons import Lessons, Recorded
from wtl.teach.teacher import ROBOT, Learner, Teacher

SUITE = TaskDistribution(
    train_object_sets=1, train_tasks=1, test_tasks=5, identity_share=0.0
)


class FakePolicy:
    """Policy that believes in one slot, and remembers what it was given."""

    observations = (fields.STATE,)

    def __init__(self, slot: int):
        self.slot = slot
        self.given: list[tuple[list[str], list[bool]]] = []

    def reset(self, demos, trials):
        success = [bool(trial.metadata[fields.SUCCESS]) for trial in trials]
        self.given.append(([demo.id for demo in demos], success))

    def target_weights(self, observation):
        return np.eye(6)[self.slot] * 0.9 + 0.1 / 6

    def look(self, episode):
        return None

    def act(self, observation):
        return np.zeros(5, np.float32)


@dataclasses.dataclass
class Taught:
    """A teacher with fakes around it.

    Attributes:
      teacher: the teacher.
      trial: policy of first tries.
      retrial: policy of later ones.
      kept: what was kept.
    """

    teacher: Teacher
    trial: FakePolicy
    retrial: FakePolicy
    kept: list


def taught(play=None) -> Taught:
    """A teacher whose tasks are demonstrated by scripted experts."""
    demos = [_demonstrated(task) for task in SUITE.tasks(fields.SPLIT_TEST)]
    recorded = {
        ROBOT: Recorded(stack(demos), {episode.id: episode for episode in demos})
    }
    trial, retrial, kept = FakePolicy(0), FakePolicy(1), []
    teacher = Teacher(
        SUITE,
        0,
        Lessons(SUITE, fields.SPLIT_TEST, recorded),
        recorded,
        {ROBOT: Learner(trial, retrial, ("MIL", "WTL"))},
        VectorEnvironment(),
        play or _idle,
        lambda *what: kept.append(what),
    )
    return Taught(teacher, trial, retrial, kept)


def _demonstrated(task) -> Episode:
    scene = task.scene(SUITE.scene_seed(task, "demo", 0))
    name = episode_id(fields.WTL_DEMOS, task.task_id, fields.ROLE_DEMO, 0, 0)
    return demonstrate(request(scene, name), 0.0)


def _idle(policy, wanted: EpisodeRequest, demo, trials) -> Episode:
    """An attempt in which nothing moves, which fails."""
    from wtl.pipeline.own_policy import OwnPolicyActor

    given = {episode.id: episode for episode in (demo, *trials)}
    spec = SUITE.world.spec.action
    actor = OwnPolicyActor(policy, spec, given, given)
    (played,) = actor.play(VectorEnvironment(), [wanted])
    return played


@contextlib.contextmanager
def serving(run_dir, *options: str):
    """`wtl teach` as a user starts it."""
    command = [sys.executable, "-u", "-m", "wtl", "teach", str(run_dir), "--port=0"]
    process = start([*command, *options])
    try:
        yield Served(process, 180, "Teach at")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
