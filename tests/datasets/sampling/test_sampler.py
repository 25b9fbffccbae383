"""The sampler relies on nothing of a world but its relabeller."""

import dataclasses

import numpy as np
import pytest

from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading.store import concatenate, stack
from wtl.datasets.sampling.demo_index import DemoIndex
from wtl.datasets.sampling.sampler import Sampler
from wtl.datasets.testing.fakes import fake_episode

_TASKS, _SCENES, _GOALS = 4, 3, 2


class _SameGoal:
    """A demonstration stands for the same goal in every scene of its task."""

    def __init__(self, demos, trials):
        self.index = DemoIndex(
            demos,
            demos[fields.TASK_ID].tolist(),
            demos[fields.HIDDEN_TARGET],
            _GOALS,
        )
        self.achieved = trials[fields.HIDDEN_ACHIEVED]
        self.intended = trials[fields.HIDDEN_TARGET]

    def draw_reading(self, rng, task, scene, demo):
        return np.zeros(len(task), int)

    def goal(self, task, scene, demo, reading):
        return self.index.goal[demo]


@pytest.fixture(scope="module")
def demos():
    keys = np.ndindex(_TASKS, _SCENES, _GOALS)
    return stack(
        [
            fake_episode(i, task_id=f"task{t}", scene_seed=s, hidden_target=g)
            for i, (t, s, g) in enumerate(keys)
        ]
    )


@pytest.fixture(scope="module")
def trials(demos):
    """Trials that follow the demonstration of a scene before; half of them fail."""
    parents = np.roll(np.arange(len(demos)).reshape(_TASKS, -1), _GOALS, axis=1)
    names = demos[fields.EPISODE_ID][parents.ravel()]
    target = demos[fields.HIDDEN_TARGET]
    achieved = np.where(np.arange(len(demos)) % 4 < 2, target, -1)
    known = {
        fields.PARENT_DEMO_IDS: [(str(name),) for name in names],
        fields.HIDDEN_ACHIEVED: achieved.astype(np.int32),
    }
    return dataclasses.replace(demos, metadata=dict(demos.metadata) | known)


def test_examples_are_of_one_task_and_goal(demos, trials):
    sampler = Sampler(demos, _SameGoal(demos, trials), trials=trials)
    batch = sampler.draw(seeding.generator(0), 500)
    demo, trial = batch.demos[:, 0], batch.trials[:, 0]
    for name in (fields.TASK_ID, fields.HIDDEN_TARGET):
        np.testing.assert_array_equal(demos[name][demo], demos[name][batch.target])
    seeds = demos[fields.SCENE_SEED]
    assert (seeds[demo] != seeds[batch.target]).all()
    np.testing.assert_array_equal(seeds[trial], seeds[batch.target])
    success = trials[fields.HIDDEN_ACHIEVED][trial] >= 0
    np.testing.assert_array_equal(batch.trial_success[:, 0] > 0, success)
    assert set(batch.trial_success[:, 0]) == {-1, 1}


def test_one_scene_is_too_few(demos, trials):
    lonely = demos.select(demos[fields.SCENE_SEED] == 0)
    with pytest.raises(ValueError, match="two scenes"):
        Sampler(lonely, _SameGoal(lonely, trials))


def test_tasks_with_one_scene_are_left_out(demos, trials):
    alone = np.char.add("alone", np.arange(len(demos)).astype(str))
    unique = dataclasses.replace(
        demos, metadata=dict(demos.metadata) | {fields.TASK_ID: alone}
    )
    # Of 100 demonstrations, 2 are of the same task.
    many = concatenate([demos.select([0, 2]), *[unique] * 4, unique.select([0, 1])])
    sampler = Sampler(many, _SameGoal(many, trials))
    assert sampler.unpaired == len(many) - 2
    batch = sampler.draw(seeding.generator(0), 64)
    assert set(batch.target) == set(batch.demos[:, 0]) == {0, 1}
