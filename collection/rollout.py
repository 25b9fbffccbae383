"""Plays TF-Agents policies in many environments at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from collection import workers
from datasets import episode as episodes
from wtl.envs import environment


def rollout(
    pool: workers.EnvironmentPool,
    policy,
    policy_state,
    observed: workers.Observations,
    metadata: Sequence[dict[str, Any]],
    sees: Sequence[str] = (environment.STATE,),
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
    count = len(observed[environment.STATE])

    def seen(observed):
        return {name: tf.constant(observed[name]) for name in sees}

    time_step = ts.restart(seen(observed), count)
    for _ in range(pool.horizon):
        step = policy.action(time_step, policy_state)
        policy_state = step.state
        observed = pool.step(np.asarray(step.action))
        time_step = ts.transition(seen(observed), np.zeros(count, np.float32))
    return pool.finish(metadata)
