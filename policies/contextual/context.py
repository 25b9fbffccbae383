"""Context of a policy: episodes and privileged information given before it acts."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import interface


class Shown(NamedTuple):
    """K demonstrations, or L trials, for each of B episodes to play.

    Attributes:
      state: [B, K, T, S] states, resampled to T frames over the whole episode.
      action: [B, K, T, A] actions taken at them.
      success: [B, K] 1 or -1.
      mask: [B, K] 1 where there is an episode, else 0.
    """

    state: tf.Tensor
    action: tf.Tensor
    success: tf.Tensor
    mask: tf.Tensor


class Truth(NamedTuple):
    """Privileged information of the task, given to the oracle only.

    Attributes:
      target: [B] int32 slot of the target.
      family: [B] int32 number of the family.
      friction: [B] sliding friction.
    """

    target: tf.Tensor
    family: tf.Tensor
    friction: tf.Tensor


class WholeTruth(NamedTuple):
    """Privileged information where more than friction is hidden.

    Attributes:
      target, family, friction: as in `Truth`.
      hidden: [B, H] actuator gains, then object dynamics, of those that are hidden.
    """

    target: tf.Tensor
    family: tf.Tensor
    friction: tf.Tensor
    hidden: tf.Tensor


class Context(NamedTuple):
    """All that may be given; a policy reads what its `Interface` names.

    Attributes:
      demos: demonstrations.
      trials: trials.
      truth: privileged information.
      state: [B, S] first state of the episode to play.
      gumbel: [B, C] noise on the choices made once per episode, the target first; zeros
        choose the likeliest, standard Gumbel noise samples.
    """

    demos: Shown
    trials: Shown
    truth: Truth | WholeTruth
    state: tf.Tensor
    gumbel: tf.Tensor


def context_spec(config: interface.Interface, state_size: int) -> Context:
    """Return the `tf.TensorSpec`s of a context of any K and L, without batch axis."""

    def spec(*shape, dtype=tf.float32):
        return tf.TensorSpec(shape, dtype)

    def shown():
        frames = config.context_frames
        return Shown(
            spec(None, frames, state_size),
            spec(None, frames, config.action_size),
            spec(None),
            spec(None),
        )

    truth = Truth(spec(dtype=tf.int32), spec(dtype=tf.int32), spec())
    return Context(
        demos=shown(),
        trials=shown(),
        truth=(
            WholeTruth(*truth, spec(config.hidden_size))
            if config.hidden_size
            else truth
        ),
        state=spec(state_size),
        gumbel=spec(config.choices),
    )
