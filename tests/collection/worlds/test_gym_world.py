"""A Gymnasium environment as a world."""

import gymnasium
import numpy as np
import pytest

import wtl
from wtl.datasets.contract.errors import UserError

_SPACE = gymnasium.spaces.Box(-2.0, 2.0, (2,), np.float32)


class Reach(gymnasium.Env):
    """A point that has to end near a goal, which it does not observe."""

    observation_space = gymnasium.spaces.Dict({"position": _SPACE})
    action_space = gymnasium.spaces.Box(-0.5, 0.5, (2,), np.float32)

    def __init__(self, goal: float, says: bool = True):
        self._goal, self._says = goal, says

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-0.1, 0.1, 2).astype(np.float32)
        return {"position": self.position}, {}

    def step(self, action):
        self.position = self.position + np.asarray(action, np.float32)
        near = bool(np.abs(self.position - self._goal).max() < 0.2)
        info = {"is_success": near} if self._says else {}
        return {"position": self.position}, float(near), False, False, info


def _tasks(split, seed, count):
    del seed
    return [
        wtl.worlds.Task(f"{split}-{i}", "reach", split, {"goal": 1.0 - i % 2})
        for i in range(count)
    ]


def _expert(task):
    goal = task.parameters["goal"]
    return lambda env, observation: np.clip(goal - observation["position"], -0.5, 0.5)


def _world(**changes):
    made = {"make": lambda task: Reach(**task.parameters), "tasks": _tasks}
    return wtl.worlds.gym("reach_gym", **made | {"horizon": 5} | changes)


def test_its_expert_reaches_the_goal_within_the_limits_of_actions():
    world = _world(expert=_expert)
    task = world.tasks("train", 0, count=1)[0]
    env = world.make_env(task, 3)
    act = world.expert(task.scene(3), None)
    timestep = env.reset()
    assert timestep.observation["position"].shape == (2,)
    while not timestep.last():
        command = act(env, 0.0, np.random.default_rng(0))
        assert (np.abs(command.executed) <= env.action_spec().maximum).all()
        timestep = env.step(command.executed)
    assert timestep.reward == 1 and env.metadata()["hidden_achieved"] == 0


def test_a_seed_decides_the_episode():
    world = _world()
    task = world.tasks("train", 0, count=1)[0]
    first, same, other = (
        world.make_env(task, seed).reset().observation["position"] for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_without_a_word_on_success_the_last_reward_decides():
    world = _world(make=lambda task: Reach(says=False, **task.parameters))
    far, near = world.tasks("train", 0, count=2)
    for task, expected in ((far, 0), (near, 1)):
        env = world.make_env(task, 0)
        timestep = env.reset()
        while not timestep.last():
            timestep = env.step(np.zeros(2))
        assert timestep.reward == expected


def test_an_id_of_gymnasium_is_enough():
    world = wtl.worlds.gym("pendulum", "Pendulum-v1")
    assert (world.spec.horizon, world.spec.action.shape) == (200, (1,))
    env = world.make_env(world.tasks("test", 0, count=2)[1], 1)
    assert env.reset().observation["observation"].shape == (3,)


@pytest.mark.parametrize(
    ("make", "said"),
    (
        ("Nothing-v0", "Nothing"),
        ("CartPole-v1", "action space Discrete"),
        (lambda task: Reach(1.0), "say horizon="),
    ),
)
def test_what_does_not_fit_is_one_clear_error(make, said):
    with pytest.raises(UserError, match=said):
        wtl.worlds.gym("odd", make)
