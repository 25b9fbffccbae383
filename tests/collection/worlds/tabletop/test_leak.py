"""The first observation tells nothing about what is to be done."""

import itertools

import numpy as np
import pytest

from wtl.collection.worlds.entities.rule import RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.fields import STATE

_TASKS = 2500
_TRAINING = 1500  # the first ones; the others are held out
_NEIGHBOURS = 15


@pytest.fixture(scope="module")
def data():
    """First observations of tasks, and what must not be read from them.

    Every task has an object set of its own, so that all rows are independent.
    """
    suite = TaskDistribution(test_tasks=_TASKS)
    names = list(FAMILIES)
    states, hidden = [], []
    env = None
    for task in suite.tasks(fields.SPLIT_TEST):
        scene_seed = suite.scene_seed(task, "leak", 0)
        scene_config = task.scene(scene_seed)
        env = env or Manipulation(scene_config)
        env.prepare(scene_config)
        states.append(env.reset().observation[STATE])
        hidden.append(
            {
                "family": names.index(task.family),
                "rule": int(task.rule.kind is RuleKind.POSITION),
                "target": env.target_slot % suite.size,
                "slippery": int(task.friction < 0.2),
                "friction": task.friction,
            }
        )
    labels = {key: np.array([h[key] for h in hidden]) for key in hidden[0]}
    return np.array(states, np.float64), labels


def _balanced(label, rng):
    """Indices with as many of each class, so that chance is 1 / classes."""
    rows = [np.flatnonzero(label == value) for value in np.unique(label)]
    count = min(map(len, rows))
    return np.concatenate([rng.permutation(r)[:count] for r in rows])


def _linear(train_x, train_y, test_x):
    """Ridge regression onto the classes, with squares as further features."""
    train_x = np.hstack([train_x, train_x**2, np.ones((len(train_x), 1))])
    test_x = np.hstack([test_x, test_x**2, np.ones((len(test_x), 1))])
    gram = train_x.T @ train_x + 10 * np.eye(train_x.shape[1])
    weights = np.linalg.solve(gram, train_x.T @ np.eye(train_y.max() + 1)[train_y])
    return (test_x @ weights).argmax(axis=1)


def _neighbours(train_x, train_y, test_x):
    """Majority vote of the nearest observations."""
    distance = (train_x**2).sum(axis=1) - 2 * test_x @ train_x.T
    nearest = np.argpartition(distance, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    return np.eye(train_y.max() + 1)[train_y[nearest]].sum(axis=1).argmax(axis=1)


def _excess(classifier, states, label):
    """Held-out accuracy above chance, in standard deviations of a guesser's."""
    rows = _balanced(label, np.random.default_rng(0))
    held_out = rows >= len(label) * _TRAINING / _TASKS
    x, y = states[rows], label[rows]
    x = x[:, x.std(axis=0) > 1e-6]
    x = (x - x[~held_out].mean(axis=0)) / x[~held_out].std(axis=0)
    guess = classifier(x[~held_out], y[~held_out], x[held_out])
    chance = 1 / len(np.unique(y))
    deviation = np.sqrt(chance * (1 - chance) / held_out.sum())
    return ((guess == y[held_out]).mean() - chance) / deviation


def _view(data, name):
    states, labels = data
    if name != "friction":
        return states, labels[name]
    sliding = labels["slippery"] == 1
    friction = labels["friction"][sliding]
    return states[sliding], (friction > np.median(friction)).astype(int)


every_secret = pytest.mark.parametrize(
    "secret", ("family", "rule", "target", "slippery", "friction")
)
every_classifier = pytest.mark.parametrize("classifier", (_linear, _neighbours))


@every_classifier
@every_secret
def test_first_observation_predicts_at_chance(data, classifier, secret):
    assert _excess(classifier, *_view(data, secret)) < 3


@every_secret
def test_classifier_finds_a_planted_leak(data, secret):
    states, label = _view(data, secret)
    leaky = states.copy()
    goal = -2  # shifted between classes by little more than its spread
    leaky[:, goal] += 1.5 * states[:, goal].std() * label
    assert _excess(_linear, leaky, label) > 3


def test_neighbours_find_a_planted_leak(data):
    states, labels = data
    # As if the objects differed by family: their colours, sizes and shapes.
    leaky = states.copy()
    for start in (14 + 9, 14 + 16 + 9, 14 + 32 + 9):
        part = leaky[:, start : start + 7]
        part += (
            0.7
            * states[:, start : start + 7].std(axis=0)
            * (labels["family"][:, None] - 2)
        )
    assert _excess(_neighbours, leaky, labels["family"]) > 3


def test_one_scene_serves_every_task():
    object_set = object_sets.draw("test-00000", 3, seed=0)
    states = []
    for family, friction, target in itertools.product(FAMILIES, (0.05, 0.8), range(3)):
        env = Manipulation(
            SceneConfig(Task(object_set, family, friction, "test"), 6, target)
        )
        states.append(env.reset().observation[STATE].tobytes())
    assert len(set(states)) == 1
