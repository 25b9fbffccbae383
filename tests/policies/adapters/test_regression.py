"""Adaptive regressions of one interface: gradient, recurrence and context."""

import numpy as np
import pytest
import tensorflow as tf

from wtl.policies.adapters.context import ContextEncoder
from wtl.policies.adapters.gradient import GradientRegression
from wtl.policies.adapters.recurrence import Recurrence
from wtl.policies.adapters.regression import EncodedRegression, Pairs
from wtl.policies.legacy_keras import tf_keras

_WINDOW, _INPUTS, _OUTPUTS = 6, 3, 2
_MADE = {
    "gradient": lambda: GradientRegression(_INPUTS, _OUTPUTS, (32,), alpha=0.1),
    "recurrence": lambda: EncodedRegression(Recurrence(16), _OUTPUTS, (32,)),
    "context": lambda: EncodedRegression(ContextEncoder(16), _OUTPUTS, (32,)),
}


def _regression(name):
    tf_keras.utils.set_random_seed(0)
    return _MADE[name]()


def _slices(rng, count, steps=_WINDOW + 1):
    """Steps of `count` tasks, each with outputs ± the same function of the inputs."""
    inputs = rng.uniform(-1, 1, (count, steps, _INPUTS)).astype(np.float32)
    sign = rng.choice([-1.0, 1.0], (count, 1, 1)).astype(np.float32)
    outputs = sign * inputs[..., :_OUTPUTS]
    return inputs, outputs


def _seen(inputs, outputs, valid=None):
    past = slice(None, _WINDOW)
    if valid is None:
        valid = np.ones((len(inputs), _WINDOW), np.float32)
    return Pairs(*map(tf.convert_to_tensor, (inputs[:, past], outputs[:, past], valid)))


def _loss(made, seen, inputs, outputs):
    """Squared errors [B, K] of the steps after those that are seen."""
    predicted = made.predict(inputs, made.adapt(seen))
    return tf.reduce_mean((predicted - outputs) ** 2, axis=-1)


@pytest.mark.parametrize("name", _MADE)
def test_trained_on_slices_of_time_it_adapts_to_a_new_task(name):
    made, rng = _regression(name), np.random.default_rng(0)
    optimizer = tf_keras.optimizers.Adam(5e-3)

    def error(slices, valid=None):
        inputs, outputs = slices
        seen = _seen(inputs, outputs, valid)
        future = inputs[:, _WINDOW:], outputs[:, _WINDOW:]
        return tf.reduce_mean(_loss(made, seen, *map(tf.convert_to_tensor, future)))

    error(_slices(rng, 2))  # creates the variables

    @tf.function
    def step(inputs, outputs):
        with tf.GradientTape() as tape:
            total = error((inputs, outputs))
        gradients = tape.gradient(total, made.trainable_variables)
        pairs = zip(gradients, made.trainable_variables, strict=True)
        optimizer.apply_gradients(pairs)

    for _ in range(250):
        step(*map(tf.constant, _slices(rng, 64)))
    held_out = _slices(rng, 256)
    unadapted = error(held_out, np.zeros((256, _WINDOW), np.float32))
    assert error(held_out) < 0.35 * unadapted
    inputs, outputs = held_out
    swapped = _seen(inputs, -outputs)  # window of a task with the other sign
    of_another = _loss(made, swapped, inputs[:, _WINDOW:], outputs[:, _WINDOW:])
    assert tf.reduce_mean(of_another) > 2 * unadapted


@pytest.mark.parametrize("name", _MADE)
def test_what_is_not_valid_changes_nothing_nor_does_another_episode(name):
    made, rng = _regression(name), np.random.default_rng(1)
    inputs, outputs = _slices(rng, 3)
    valid = np.ones((3, _WINDOW), np.float32)
    valid[:, :2] = 0
    valid[2] = 0
    before = made.adapt(_seen(inputs, outputs, valid)).numpy()
    assert before.shape == (3, made.adaptation_size)
    assert np.isfinite(before).all()
    others = inputs.copy()
    others[:, :2] += 5
    others[2] += 5
    after = made.adapt(_seen(others, outputs, valid)).numpy()
    np.testing.assert_allclose(after, before, atol=1e-6)
    others[1, 3] += 5
    changed = np.abs(made.adapt(_seen(others, outputs, valid)) - before).max(axis=1)
    assert changed[1] > 1e-4 and max(changed[0], changed[2]) < 1e-6


@pytest.mark.parametrize("name", _MADE)
def test_it_predicts_any_number_of_inputs_alike(name):
    made, rng = _regression(name), np.random.default_rng(2)
    inputs, outputs = _slices(rng, 2)
    adaptation = made.adapt(_seen(inputs, outputs))
    several = made.predict(tf.constant(inputs), adaptation)
    assert several.shape == (2, _WINDOW + 1, _OUTPUTS)
    one = made.predict(tf.constant(inputs[:, 4:5]), adaptation)
    np.testing.assert_allclose(several[:, 4:5], one, atol=1e-5)


def test_without_valid_pairs_no_gradient_step_is_taken():
    made = _regression("gradient")
    inputs, outputs = _slices(np.random.default_rng(3), 2)
    nothing = np.zeros((2, _WINDOW), np.float32)
    adaptation = made.adapt(_seen(inputs, outputs, nothing))
    np.testing.assert_array_equal(adaptation[0], adaptation[1])
    with tf.GradientTape() as tape:
        error = _loss(
            made, _seen(inputs, outputs, nothing), inputs[:, -1:], outputs[:, -1:]
        )
    gradients = tape.gradient(error, made.alpha, unconnected_gradients="zero")
    assert all(not np.any(gradient) for gradient in gradients.values())
