"""TF-Agents takes the environment."""

import numpy as np

from wtl.collection import tf_environment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.datasets.contract.fields import STATE

_SETUP = SceneConfig(
    Task(object_sets.draw("test-00000", 3, seed=0), "grasp", 0.8, "test"), 3, 1
)


def test_tf_agents_validates_it():
    env = tf_environment.load(_SETUP)
    from tf_agents.environments import utils

    utils.validate_py_environment(env, episodes=2)


def test_it_plays_the_setup():
    env, plain = tf_environment.load(_SETUP), Manipulation(_SETUP)
    timestep, expected = env.reset(), plain.reset()
    for _ in range(HORIZON):
        np.testing.assert_array_equal(
            timestep.observation[STATE], expected.observation[STATE]
        )
        action = np.full(5, 0.25, np.float32)
        timestep, expected = env.step(action), plain.step(action)
    assert timestep.is_last()
    assert timestep.discount == 0
    assert env.step(np.zeros(5, np.float32)).is_first()


def test_it_runs_in_a_graph():
    env = tf_environment.load(_SETUP)
    from tf_agents.environments import tf_py_environment

    batched = tf_py_environment.TFPyEnvironment(env)
    assert batched.reset().observation[STATE].shape == (1, 88)
