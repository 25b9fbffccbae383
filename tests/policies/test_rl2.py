"""RL²: memory, advantages, resumption, and that it learns to learn."""

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection import trials
from wtl.collection.task_pool import Attempt
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.tabletop import observation
from wtl.policies.encoders import view as views
from wtl.policies.rl2 import loss as losses
from wtl.policies.rl2.advantage import advantages
from wtl.policies.rl2.agent import Rl2Agent
from wtl.policies.rl2.config import Rl2Config
from wtl.policies.rl2.network import Experience, Rl2Network
from wtl.training.rl2_learner import Rl2Learner

FLAT = views.flat_view(2, 2)
SMALL = Rl2Config(memory=8, hidden=(8,), tasks_per_round=4, trials_per_task=2, epochs=2)
ATTEMPTS = [Attempt(0), Attempt(1)]


def _pool(split="test"):
    return PointRobots(split, 6, 0, sparse=False)


class _Watched(Rl2Agent):
    """Keeps the memory it had at each step."""

    def begin(self, seeds):
        super().begin(seeds)
        self.before, self.after, self.first = [], [], []

    def act(self, observation, reward):
        self.before.append(self.memory.numpy())
        self.first.append(self._first.copy())
        action = super().act(observation, reward)
        self.after.append(self.memory.numpy())
        return action


def test_memory_goes_from_trial_to_trial_and_is_emptied_between_tasks():
    pool, agent = _pool(), _Watched(Rl2Network(FLAT, SMALL), explore=False)
    first = trials.play(pool, agent, ATTEMPTS, [1, 2], 2)
    horizon = pool.horizon
    assert (agent.before[0] == 0).all()
    np.testing.assert_array_equal(agent.before[horizon], agent.after[horizon - 1])
    assert np.abs(agent.before[horizon]).max() > 0.01
    marks = np.stack(agent.first)[:, 0]
    assert np.flatnonzero(marks).tolist() == [0, horizon]
    # The same place, but another past.
    assert np.abs(first[0].action[:, 0] - first[1].action[:, 0]).max() > 1e-6
    again = trials.play(pool, agent, ATTEMPTS, [1, 2], 2)
    assert (agent.before[0] == 0).all()
    np.testing.assert_array_equal(first[0].action, again[0].action)


@pytest.mark.parametrize("world", ["flat", "entities"])
def test_training_and_acting_give_the_same_outputs(world):
    """Recalling an experience gives the means and memories of playing it."""
    layout = observation.Layout(2)
    view = {"flat": FLAT, "entities": views.entity_view(layout, 5)}[world]
    network = Rl2Network(view, SMALL)
    rng = np.random.default_rng(0)

    def draw(*shape):
        return tf.constant(rng.normal(size=(3, 7, *shape)), tf.float32)

    experience = Experience(
        draw(view.observation_size), draw(view.action_size), draw(), draw()
    )
    outlook = network.recall(experience)
    memory = tf.zeros((3, SMALL.memory))
    for step in range(7):
        memory, now = network.step(
            memory, Experience(*(x[:, step] for x in experience))
        )
        np.testing.assert_allclose(now.mean, outlook.mean[:, step], atol=1e-5)
        np.testing.assert_allclose(now.value, outlook.value[:, step], atol=1e-5)


def test_the_learner_recalls_the_experience_of_its_agent():
    """Log densities of a round are those of the actions as they were drawn."""
    pool = _pool("train")
    learner = Rl2Learner(FLAT, SMALL, pool, 0, seed=0, directory=None)
    played = trials.play(pool, learner.agent(explore=True), ATTEMPTS, [1, 2], 2)
    batch = learner._batch([trial.of_goal(np.zeros(2, int)) for trial in played])
    agent = learner.agent(explore=True)
    agent.begin([1, 2])
    noise = np.stack([rng.standard_normal((40, 2)) for rng in agent._rngs])
    sigma = learner.network.log_sigma.numpy()
    expected = -0.5 * noise**2 - sigma - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(batch.log_density, expected.sum(axis=-1), atol=1e-3)
    assert np.flatnonzero(batch.experience.first[0]).tolist() == [0, 20]
    assert abs(batch.advantage.mean()) < 1e-5


def test_advantages_are_sums_of_discounted_errors():
    rng = np.random.default_rng(1)
    reward, value = rng.normal(size=(2, 3, 9))
    got = advantages(reward, value, 0.9, 0.8)
    for row in range(3):
        for start in range(9):
            expected = 0.0
            for step in range(start, 9):
                after = value[row, step + 1] if step < 8 else 0.0
                error = reward[row, step] + 0.9 * after - value[row, step]
                expected += (0.9 * 0.8) ** (step - start) * error
            assert got[row, start] == pytest.approx(expected)
    whole = advantages(reward, value, 0.9, 1.0) + value
    outcome = sum(0.9**i * reward[:, i] for i in range(9))
    np.testing.assert_allclose(whole[:, 0], outcome)


def test_ppo_gains_nothing_from_moving_out_of_its_range():
    network = Rl2Network(FLAT, SMALL)
    rng = np.random.default_rng(2)

    def draw(*shape):
        return tf.constant(rng.normal(size=(3, 4, *shape)), tf.float32)

    experience, action = Experience(draw(2), draw(2), draw(), draw()), draw(2)
    mean = network.recall(experience).mean
    density = network.log_density(mean, action)
    gradients = []
    for shift in (0.0, -1.0):  # the ratio is exp(-shift): 1, or out of range
        batch = losses.Batch(
            experience, action, density + shift, tf.ones((3, 4)), tf.zeros((3, 4))
        )
        with tf.GradientTape() as tape:
            policy = losses.loss(network, batch).policy
        gradients.append(float(tf.norm(tape.gradient(policy, network.log_sigma))))
        assert float(policy) == pytest.approx(-1.0 if shift == 0 else -1.2, rel=1e-4)
    assert gradients[0] > 1e-3 and gradients[1] == 0
