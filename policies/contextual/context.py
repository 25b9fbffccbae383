"""Context of a policy: episodes and privileged information given before it acts."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import interface
from wtl.policies.contextual.config import ContextualConfig


class ContextEpisodes(NamedTuple):
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


class Privileged(NamedTuple):
    """Privileged information of the task, given to the oracle only.

    Attributes:
      target: [B] int32 slot of the target.
      family: [B] int32 number of the family.
      friction: [B] sliding friction.
    """

    target: tf.Tensor
    family: tf.Tensor
    friction: tf.Tensor


class FullPrivileged(NamedTuple):
    """Privileged information where more than friction is hidden.

    Attributes:
      target, family, friction: as in `Privileged`.
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
      privileged: privileged information.
      state: [B, S] first state of the episode to play.
      gumbel: [B, C] noise on the choices made once per episode, the target first; zeros
        choose the likeliest, standard Gumbel noise samples.
    """

    demos: ContextEpisodes
    trials: ContextEpisodes
    privileged: Privileged | FullPrivileged
    state: tf.Tensor
    gumbel: tf.Tensor


def context_spec(config: interface.Interface, state_size: int) -> Context:
    """Return the `tf.TensorSpec`s of a context of any K and L, without batch axis."""

    def spec(*shape, dtype=tf.float32):
        return tf.TensorSpec(shape, dtype)

    state, action = (
        spec(None, config.context_frames, size)
        for size in (state_size, config.action_size)
    )
    episodes = ContextEpisodes(state, action, spec(None), spec(None))
    privileged = Privileged(spec(dtype=tf.int32), spec(dtype=tf.int32), spec())
    if config.hidden_size:
        privileged = FullPrivileged(*privileged, spec(config.hidden_size))
    return Context(
        episodes, episodes, privileged, spec(state_size), spec(config.choices)
    )


def given(context: Context, config: ContextualConfig) -> Context:
    """Return the context that a policy is given.

    Trials of another task and shuffled successes are inserted by the context builder.
    """
    trials = context.trials
    if config.trials_from == interface.DEMO:
        trials = context.demos
    if config.trial_success == interface.HIDDEN:
        trials = trials._replace(success=tf.zeros_like(trials.success))
    if not config.trial_actions:
        trials = trials._replace(action=tf.zeros_like(trials.action))
    if not config.state_noise:
        return context._replace(trials=trials)

    def noisy(state):
        return with_noise(state, config)

    return context._replace(
        demos=context.demos._replace(state=noisy(context.demos.state)),
        trials=trials._replace(state=noisy(trials.state)),
        state=noisy(context.state),
    )


def with_noise(state: tf.Tensor, config: ContextualConfig) -> tf.Tensor:
    """Return states [..., S] with noise on the coordinates of entities and fixtures.

    The noise is a pure function of the states, so that a saved policy is deterministic
    and an interrupted training resumes unchanged.
    """
    if not config.state_noise:
        return state
    bits = tf.bitcast(tf.convert_to_tensor(state, tf.float32), tf.int32)
    seed = tf.stack([tf.reduce_sum(bits), 0])
    noise = tf.random.stateless_normal(tf.shape(state), seed)
    return state + config.state_noise * config.layout.positions() * noise
