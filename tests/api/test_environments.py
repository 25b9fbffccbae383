"""Environments of `wtl.make_env` and `wtl.make_gym_env`."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import wtl
from tests import plain_module  # noqa: F401  (registers a world)
from wtl.collection import worker
from wtl.datasets.contract.errors import UserError

SCRIPT = """
import numpy, wtl, tensorflow
env = wtl.make_env("tabletop", pixels=32)
print(env.reset().observation["image"].shape, env.step(numpy.zeros(5)).reward)
import wtl.policies.legacy_keras
"""


def test_an_environment_plays_an_episode_and_then_another_scene():
    env = wtl.make_env("tabletop", families=("press",), seed=3)
    first = env.reset().observation["state"]
    steps = 0
    while not env.step(np.zeros(5)).last():
        steps += 1
    assert steps == 39
    assert not np.array_equal(env.reset().observation["state"], first)
    again = wtl.make_env("tabletop", families=("press",), seed=3)
    np.testing.assert_array_equal(again.reset().observation["state"], first)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"world": "moon"}, "'moon' is none of tabletop"),
        ({"task": 10_000}, "there is no task 10000"),
        ({"world": "reacher", "pixels": 64}, "has no camera"),
        ({"familys": ("press",)}, "familys"),
        ({"families": ("juggle",)}, "'juggle'"),
    ],
)
@pytest.mark.parametrize("make", (wtl.make_env, wtl.make_gym_env))
def test_a_wrong_argument_is_one_clear_error(make, arguments, said):
    with pytest.raises(UserError, match=said):
        make(**arguments)


@pytest.mark.parametrize("world", ("tabletop", "reacher", "plain_point"))
def test_gymnasium_accepts_its_view_of_a_world(world):
    check_env(wtl.make_gym_env(world))


def test_images_are_observed_beside_tensorflow_and_in_a_plain_script():
    """Without a guard of `__main__`, in a script that imports TensorFlow too."""
    env = wtl.make_gym_env("tabletop", pixels=32, split="train")
    check_env(env)
    assert env.observation_space["image"] == gymnasium.spaces.Box(
        0, 255, (32, 32, 3), np.uint8
    )
    env.close()
    done = subprocess.run(
        [sys.executable, "-"], input=SCRIPT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "(32, 32, 3) 0.0\n"), done.stderr


def test_fault_of_an_environment_with_images_is_raised_here():
    env = wtl.make_env("tabletop", pixels=32)
    env.reset()
    with pytest.raises(worker.WorkerError, match="ValueError"):
        env.step(np.zeros(3))
    assert env.reset().first()
    env.close()
    with pytest.raises(worker.WorkerError, match="make the environment again"):
        env.reset()


def test_gymnasium_view_ends_as_the_environment_does():
    env = wtl.make_gym_env("plain_point")
    first, info = env.reset(seed=4)
    assert info == {"success": False}
    name = "robot/position"
    goal = np.array(env.env.scene_config.task.parameters["goal"])
    ended, steps = False, 0
    while not ended:
        position = env.env.native.position
        action = np.clip(goal - position, -0.2, 0.2).astype(np.float32)
        _, reward, ended, cut_off, info = env.step(action)
        steps += 1
        assert info == {"success": ended and reward > 0} and not cut_off
    assert steps == 15 and info["success"]
    again, _ = env.reset(seed=4)
    np.testing.assert_array_equal(again[name], first[name])
    assert not np.array_equal(env.reset()[0][name], first[name])
