"""Probabilities of targets, measured on a policy that returns its choice alone."""

import types

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection import policy_actor
from wtl.datasets.contract import fields
from wtl.policies.contextual import context as contexts


class Chooser:
    """Saved policy by the parts that matter here."""

    def __init__(self, logits):
        self._logits = tf.constant(logits, tf.float32)

    def encode_context(self, context):
        chosen = tf.argmax(self._logits + context.gumbel[:, : len(self._logits)], -1)
        return {"target": tf.one_hot(chosen, len(self._logits))}


def weights_of(logits) -> np.ndarray | None:
    count = len(logits)
    given = dict.fromkeys(contexts.Context._fields, tf.zeros((1, 2)))
    given |= {"gumbel": tf.zeros((1, count + 2))}
    encoder = types.SimpleNamespace(
        target=lambda state: state.get("target"),
        selected_targets=lambda state: tf.argmax(state["target"], -1).numpy(),
    )
    builder = types.SimpleNamespace(
        config=types.SimpleNamespace(entities=count),
        encoder=encoder,
        build=lambda requests, observed: contexts.Context(**given),
    )
    actor = policy_actor.PolicyActor(Chooser(logits), builder, "id")
    return actor.target_weights(None, {fields.STATE: np.zeros((1, 4))})


@pytest.mark.parametrize(
    "logits", [[0.0, 1.0, -2.0], [3.0, 2.5], [-40.0, 0.0, 0.1, -0.3], [5.0, 5.0, 1.0]]
)
def test_they_are_the_softmax_of_the_hidden_logits(logits):
    expected = tf.nn.softmax(logits).numpy()
    np.testing.assert_allclose(weights_of(logits), expected, atol=2e-3)


@pytest.mark.parametrize("logits", [[0.0, 0.0, 0.0], [1.0]])
def test_a_policy_that_selects_nothing_has_none(logits):
    assert weights_of(logits) is None
