"""Evidence on the target of an episode: encoded context episodes of one role."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.encoders import episode

DEMO, TRIAL = 1.0, -1.0


class Evidence(NamedTuple):
    """K demonstrations, or K trials, for each of B episodes to play.

    Attributes:
      role: `DEMO` or `TRIAL`.
      state: [B, K, S] their first states.
      code: what they were encoded into, with axes [B, K].
      success: [B, K] 1 or -1; 0 where it is hidden.
      mask: [B, K] 1 where there is an episode.
    """

    role: float
    state: tf.Tensor
    code: episode.EpisodeCode
    success: tf.Tensor
    mask: tf.Tensor
