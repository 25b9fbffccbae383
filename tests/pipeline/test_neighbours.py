"""Neighbours of played episodes, whose transitions a control is given."""

import types

import numpy as np
import pytest
import tensorflow as tf

from wtl.datasets.contract.errors import UserError
from wtl.evaluation.scenario import Scenario
from wtl.pipeline import neighbours


def _planned(families: int, tasks: int, scenes: int = 1):
    """Scenarios as `adapt` plans them: the first scene of every task, then the next."""
    made = [
        types.SimpleNamespace(task_id=f"t{i}", family=f"f{i % families}", split="val")
        for i in range(tasks)
    ]
    return [Scenario(task, i, 0, 0, 0) for i in range(scenes) for task in made]


@pytest.mark.parametrize(
    ("families", "tasks", "scenes"), [(4, 50, 1), (4, 24, 2), (3, 10, 5), (2, 24, 1)]
)
def test_neighbours_have_different_faults(families, tasks, scenes):
    planned = neighbours.arranged(_planned(families, tasks, scenes), 25)
    assert len(set(map(id, planned))) == tasks * scenes
    of_others = [planned[i] for i in neighbours.given(len(planned), 25)]
    for own, other in zip(planned, of_others, strict=True):
        assert own.task.family != other.task.family


def test_what_is_given_is_what_the_planner_rolls():
    rolled = [tf.roll(tf.range(*part), 1, axis=0) for part in ((0, 25), (25, 32))]
    np.testing.assert_array_equal(neighbours.given(32, 25), np.concatenate(rolled))


@pytest.mark.parametrize(("tasks", "scenes"), [(1, 3), (26, 1)])
def test_a_task_beside_itself_is_refused(tasks, scenes):
    planned = neighbours.arranged(_planned(1, tasks, scenes), 25)
    with pytest.raises(UserError, match="another task .* add one to suite.val_tasks"):
        neighbours.require_another_task("grbal_another_task", planned, 25)


def test_tasks_of_one_family_are_no_fault():
    planned = neighbours.arranged(_planned(1, 5, 1), 25)
    neighbours.require_another_task("grbal_another_task", planned, 25)
