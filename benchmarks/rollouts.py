"""Rollouts versus their environment steps; a saved policy versus TensorFlow."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from benchmarks import comparison
from benchmarks.workload import workload
from wtl.collection import policy_actor, vector_environment
from wtl.collection.episode_request import EpisodeShard
from wtl.datasets.contract import fields
from wtl.policies import export, features
from wtl.policies.heads import mixture_density
from wtl.policies.methods import METHODS

_ENVIRONMENTS = 64
_TASKS = 11
_CALLS = 100


def run() -> list[comparison.Comparison]:
    """Measure 64 environments with one call of the policy for all of them."""
    with workload(_TASKS) as work:
        return [_rollouts(work.trials(_ENVIRONMENTS)), _actions(work.actor)]


def _rollouts(shard: EpisodeShard) -> comparison.Comparison:
    """Compare whole trials to the steps of the same environments alone."""
    scenes = [request.scene for request in shard.requests]
    with vector_environment.ProcessVectorEnvironment() as environments:
        played = shard.play_in(environments)
        actions = np.stack([e.steps[fields.ACTION][:-1] for e in played], axis=1)
        ends = np.stack([e.steps[fields.STATE][-1] for e in played])

        def step_alone():
            environments.reset(scenes)
            for action in actions:
                observed = environments.step(action)
            assert np.array_equal(observed[fields.STATE], ends)

        return comparison.compare(
            f"rollouts of {len(scenes)} / their environments alone",
            lambda: shard.play_in(environments),
            step_alone,
            unit="episodes",
            amount=len(scenes),
            goal=0.75,
            rounds=9,
        )


def _actions(spec: policy_actor.PolicyActorSpec) -> comparison.Comparison:
    """Compare the saved policy to a function of the same network by hand."""
    layout = spec.config.layout
    network = METHODS["mil"].kind.network(spec.config)

    @tf.function
    def by_hand(state, embedding, target):
        found = network.act(state, embedding, target).predict(None)
        action = mixture_density.in_turn(found, features.step(state, layout))
        return tf.clip_by_value(action, -1.0, 1.0)

    rng = np.random.default_rng(0)
    size = (_ENVIRONMENTS, layout.state_size)
    state = tf.constant(rng.normal(size=size), tf.float32)
    step_type = tf.fill([_ENVIRONMENTS], ts.StepType.MID)
    saved = export.load(spec.policy_dir, layout.state_size)
    act, shown = policy_actor.compiled(saved), saved.get_initial_state(_ENVIRONMENTS)
    return comparison.compare(
        "saved policy / a tf.function by hand",
        lambda: np.asarray(act(step_type, {fields.STATE: state}, shown)[0]),
        lambda: np.asarray(by_hand(state, shown["embedding"], shown["target"])),
        unit="actions",
        amount=_ENVIRONMENTS,
        calls=_CALLS,
        goal=0.9,
    )
