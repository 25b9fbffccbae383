"""Heads fit the actions that they are taught, and chunks are executed in order."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract.fields import STATE
from wtl.policies.chunked_policy import ChunkedPolicy
from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.heads import FLOW, HEADS, MEAN, MIXTURE, TWO_STEP
from wtl.policies.heads.head import Actor, head
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.maml.config import MamlConfig

SIZE = 2
STATES = tf.constant([[-1.0], [1.0]])
MIDDLE = tf.constant([[-0.5, 0.3], [0.5, -0.3]])  # of the actions at these states


def _fitted(name: str, action, steps: int = 600, scale: float | None = None):
    """Fit a small actor to actions drawn by `action(rng, states [N]) -> [N, SIZE]`.

    Returns:
      A function from timesteps [N] and states [N] to actions.
    """
    tf_keras.utils.set_random_seed(0)
    made = head(ContextualConfig(head=name, components=2, action_size=SIZE))
    hidden = [tf_keras.layers.Dense(64, "relu") for _ in range(2)]
    layer, rng = made.layer(), np.random.default_rng(0)

    def actor(numbers):
        known = tf.gather(STATES, numbers)

        def predict(extra):
            value = known if extra is None else tf.concat([known, extra], axis=-1)
            for each in hidden:
                value = each(value)
            return layer(value)

        scaled = None if scale is None else tf.fill((len(known), SIZE), scale)
        return Actor(predict, scaled)

    optimizer = tf_keras.optimizers.Adam(3e-3)
    parts = [*hidden, layer]

    @tf.function
    def step(numbers, taught):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(made.loss(actor(numbers), taught, -3.0))
        weights = [w for part in parts for w in part.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    made.loss(actor(np.zeros(1, np.int64)), tf.zeros((1, SIZE)), -3.0)
    optimizer.build([w for part in parts for w in part.trainable_variables])
    for _ in range(steps):
        numbers = rng.integers(len(STATES), size=128)
        taught = action(rng, numbers).astype(np.float32)
        loss = step(tf.constant(numbers), tf.constant(taught))
        assert np.isfinite(loss)
    return lambda steps, numbers: made.act(actor(numbers), tf.constant(steps)).numpy()


@pytest.mark.parametrize("scale", [None, -2.0])
@pytest.mark.parametrize("name", HEADS)
def test_a_head_acts_as_it_was_taught(name, scale):
    acts = _fitted(name, lambda rng, numbers: MIDDLE.numpy()[numbers], scale=scale)
    found = acts(np.float32([0, 3, 7, 8]), np.array([0, 1, 1, 0]))
    np.testing.assert_allclose(found, tf.gather(MIDDLE, [0, 1, 1, 0]), atol=0.07)


@pytest.mark.parametrize(
    ("name", "keeps_both"), [(MIXTURE, True), (FLOW, True), (MEAN, False)]
)
def test_two_ways_to_act_are_kept_or_averaged(name, keeps_both):
    def either(rng, numbers):
        side = rng.choice([-1.0, 1.0], (len(numbers), 1))
        return MIDDLE.numpy()[numbers] * side

    acts = _fitted(name, either)
    steps = np.arange(60, dtype=np.float32)
    along = acts(steps, np.zeros(60, np.int64)) @ MIDDLE.numpy()[0]
    along /= float(tf.reduce_sum(MIDDLE[0] ** 2))  # 1 or -1 for the two ways
    if keeps_both:
        assert 0.25 < (along > 0.6).mean() < 0.75
        assert 0.25 < (along < -0.6).mean() < 0.75
    else:
        assert np.abs(along).max() < 0.3


def test_the_second_regression_sharpens_the_first():
    """With two ways the first regression is their mean, the second may commit."""
    made = head(ContextualConfig(head=TWO_STEP, action_size=SIZE))
    seen = []

    def predict(extra):
        seen.append(extra.numpy())
        return tf.fill((1, SIZE), 0.25 * len(seen))

    action = made.act(Actor(predict), tf.zeros(1))
    np.testing.assert_allclose(action, [[0.5, 0.5]])
    first, second = seen
    assert not first.any()
    np.testing.assert_allclose(second, [[0.25, 0.25, 0.9]])


class _Counting(tf_policy.TFPolicy):
    """Predicts chunks that count on from its observation; `asked` times in all."""

    def __init__(self, config):
        self.network = type("Network", (), {"config": config})()
        self.asked = tf.Variable(0)
        super().__init__(
            ts.time_step_spec({STATE: tensor_spec.TensorSpec((1,), tf.float32)}),
            tensor_spec.BoundedTensorSpec((config.chunk_size,), tf.float32, -99, 99),
            policy_state_spec={"given": tf.TensorSpec((1,), tf.float32)},
            automatic_state_reset=False,
        )

    def encode_context(self, context):
        return {"given": context.state}

    def _variables(self):
        return [self.asked]

    def _action(self, time_step, policy_state, seed=None):
        self.asked.assign_add(1)
        config = self.network.config
        along = tf.range(config.chunk_size, dtype=tf.float32)
        chunk = time_step.observation[STATE] + policy_state["given"] + along / 1000
        return policy_step.PolicyStep(chunk, policy_state, ())


@pytest.mark.parametrize(("executed", "asked"), [(1, 5), (2, 3), (3, 2)])
def test_a_chunk_is_executed_before_the_next_is_predicted(executed, asked):
    config = ContextualConfig(chunk=3, executed=executed, action_size=2)
    counting = _Counting(config)
    policy = ChunkedPolicy(counting)
    context = type("Context", (), {"state": tf.constant([[0.0], [0.5]])})()
    state = policy.encode_context(context)
    act = tf.function(policy.action)
    for number in range(5):
        seen = tf.fill((2, 1), number / 100)
        step = ts.restart({STATE: seen}, 2)
        found = act(step, state)
        state = found.state
        begun, into = executed * (number // executed), number % executed
        wanted = begun / 100 + into * 0.002 + np.array([[0.0, 0.001], [0.5, 0.501]])
        np.testing.assert_allclose(found.action, wanted, atol=1e-6)
    assert int(counting.asked) == asked


def test_impossible_chunks_are_refused():
    with pytest.raises(ValueError, match="executed is 4, but a chunk has 2"):
        ContextualConfig(chunk=2, executed=4)
    with pytest.raises(ValueError, match="needs head 'mixture' and chunk 1"):
        MamlConfig(two_heads=False, chunk=4)
    with pytest.raises(ValueError, match="head is 'flows'; it may be mixture"):
        dataclasses.replace(MamlConfig(), head="flows")
