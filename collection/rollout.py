"""Plays TF-Agents policies in many environments at once."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection import vector_environment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields


def rollout(
    pool: vector_environment.EnvironmentPool,
    policy,
    policy_state,
    observed: vector_environment.Observations,
    metadata: Sequence[dict[str, Any]],
    sees: Sequence[str] = (fields.STATE,),
) -> list[episodes.Episode]:
    """Plays N episodes in lockstep to their end.

    Args:
      pool: the environments, just reset.
      policy: any TF-Agents policy, or a saved one.
      policy_state: its state at the start, [N, ...] each.
      observed: the first observations, as `pool.reset` returned them.
      metadata: N dictionaries for `Recorder.episode`.
      sees: names of the observations that the policy takes.

    Returns:
      N finished episodes.
    """
    count = len(observed[fields.STATE])

    def seen(observed):
        return {name: tf.constant(observed[name]) for name in sees}

    act = compiled(policy)
    step_type, later = (
        tf.fill([count], kind) for kind in (ts.StepType.FIRST, ts.StepType.MID)
    )
    for _ in range(pool.horizon):
        action, policy_state = act(step_type, seen(observed), policy_state)
        observed = pool.step(np.asarray(action))
        step_type = later
    return pool.finish(metadata)


@functools.lru_cache(maxsize=8)
def compiled(policy) -> Callable:
    """A policy's `action` without what takes time beside its network.

    Args:
      policy: any TF-Agents policy, or a saved one, which called by itself looks for
        its signature in all that a time step consists of.

    Returns:
      (int32[N] step types, N observations, policy state) -> actions [N, A] and the next
      policy state.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def act(step_type, observed, policy_state):
        zeros = tf.zeros(tf.shape(step_type))
        time_step = ts.TimeStep(step_type, zeros, tf.ones_like(zeros), observed)
        step = policy.action(time_step, policy_state)
        return step.action, step.state

    return act
