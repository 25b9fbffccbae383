"""Any TF-Agents policy can be rolled out."""

from wtl.policies import legacy_keras  # isort: skip (sets Keras 2)

import types

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from wtl.collection.episode_loop import play
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.policy_actor import PolicyActor
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import episode_id, validate
from wtl.datasets.contract.fields import STATE
from wtl.policies.contextual import context as contexts
from wtl.policies.interface import Interface

assert legacy_keras

_SUITE = TaskDistribution(test_tasks=5)
_SCENE_CONFIGS = [
    s
    for t in _SUITE.tasks(fields.SPLIT_TEST)
    for s in _SUITE.demonstration_scenes(t, 1)
]


class _Counting(tf_policy.TFPolicy):
    """Acts on its observation, the number of actions so far and which is first."""

    def __init__(self):
        observation = {STATE: tensor_spec.TensorSpec((88,), tf.float32)}
        super().__init__(
            ts.time_step_spec(observation),
            tensor_spec.from_spec(
                array_spec.BoundedArraySpec((5,), np.float32, -1.0, 1.0)
            ),
            policy_state_spec=tensor_spec.TensorSpec((), tf.int32),
        )

    def encode_context(self, count):
        return tf.zeros(count, tf.int32)

    def _action(self, time_step, policy_state, seed):
        count = tf.cast(policy_state, tf.float32)[:, tf.newaxis]
        count += 3 * tf.cast(time_step.is_first(), tf.float32)[:, tf.newaxis]
        action = tf.sin(time_step.observation[STATE][:, :5] * 7 + count)
        return policy_step.PolicyStep(action, policy_state + 1)

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError


class _NoContext:
    """Builds no context for a policy that takes none."""

    config = Interface()
    encoder = types.SimpleNamespace(
        given=lambda observed, step: {STATE: tf.constant(observed[STATE])}
    )

    def build(self, requests, observed):
        return len(requests)


def test_rollout_feeds_observations_and_policy_state_back():
    requests = [
        EpisodeRequest(
            scene,
            episode_id(fields.WTL_TRIALS, scene.task.task_id, "trial", i, 0),
            fields.ROLE_TRIAL,
        )
        for i, scene in enumerate(_SCENE_CONFIGS)
    ]
    actor = PolicyActor(_Counting(), _NoContext(), "counting")
    with ProcessVectorEnvironment(2) as pool:
        episodes = play(pool, actor, requests)
    assert [e.metadata[fields.TASK_ID] for e in episodes] == [
        setup.task.task_id for setup in _SCENE_CONFIGS
    ]
    for setup, episode in zip(_SCENE_CONFIGS, episodes, strict=True):
        validate(episode, episode_spec(3))
        assert len(episode) == HORIZON + 1
        assert episode.metadata[fields.POLICY_ID] == "counting"
        stored = episode.steps
        count = np.arange(HORIZON)[:, np.newaxis]
        count = np.where(count == 0, 3, count)
        expected = np.sin(stored[fields.STATE][:-1, :5] * 7 + count)
        np.testing.assert_allclose(stored[fields.ACTION][:-1], expected, atol=1e-5)
        env = Manipulation(setup)
        timesteps = [env.reset()] + [env.step(a) for a in stored[fields.ACTION][:-1]]
        np.testing.assert_array_equal(
            stored[fields.STATE], [t.observation[STATE] for t in timesteps]
        )


class _Chooser:
    """Chooses the likeliest of three targets, as policies do."""

    def encode_context(self, context):
        logits = tf.constant([[1.0, 3.0, 2.0]]) + context.gumbel
        return {"target": tf.one_hot(tf.argmax(logits, axis=-1), 3)}


class _Targets:
    """Builds contexts without noise on the choice of a target."""

    encoder = types.SimpleNamespace(
        selected_targets=lambda state: tf.argmax(state["target"], axis=-1).numpy()
    )

    def build(self, requests, observed):
        return contexts.Context(*[None] * 4, gumbel=tf.zeros((len(requests), 3)))


def test_targets_that_failed_are_passed_over():
    actor = PolicyActor(_Chooser(), _Targets(), "chooser")
    requests = [
        EpisodeRequest(_SCENE_CONFIGS[0], str(count), "retrial", passed_over=count)
        for count in (2, 0, 1)
    ]
    chosen = _Targets.encoder.selected_targets(actor.encode(requests, {}))
    assert chosen.tolist() == [0, 1, 2]
