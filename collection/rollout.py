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
    states: np.ndarray,
    metadata: Sequence[dict[str, Any]],
) -> list[episodes.Episode]:
    """Plays N episodes in lockstep to their end.

    Args:
      pool: the environments, just reset.
      policy: any TF-Agents policy, or a saved one, over `{"state": [N, S]}`.
      policy_state: its state at the start, [N, ...] each.
      states: [N, S] first states, as `pool.reset` returned them.
      metadata: N dictionaries for `Recorder.episode`.

    Returns:
      N finished episodes.
    """
    count = len(states)
    time_step = ts.restart({environment.STATE: tf.constant(states)}, count)
    for _ in range(environment.HORIZON):
        step = policy.action(time_step, policy_state)
        policy_state = step.state
        states = pool.step(np.asarray(step.action))
        time_step = ts.transition(
            {environment.STATE: tf.constant(states)}, np.zeros(count, np.float32)
        )
    return pool.finish(metadata)
