"""Inner loop: gradient steps on the demonstrations of each task."""

from collections.abc import Callable

import tensorflow as tf

# Parameters by name, [...] each, or adapted ones, [B, ...] each.
Parameters = dict[str, tf.Tensor]


def adapt(
    theta: Parameters,
    alpha: Parameters,
    loss: Callable[[Parameters], tf.Tensor],
    *,
    batch: tf.Tensor | int,
    steps: int,
    second_order: bool,
    clip: float,
) -> Parameters:
    """Take gradient steps: phi_i = theta - alpha * grad L_i(theta).

    The inner update of MAML (Finn, Abbeel, Levine 2017, algorithm 1), with the step
    sizes of Meta-SGD (Li, Zhou, Chen, Li 2017, algorithm 1), learned elementwise, and
    with the elementwise clipping of MIL's published code.

    Args:
      theta: initial parameters.
      alpha: step sizes, with the shapes of `theta`.
      loss: maps phi to the losses [B] of the B tasks; each may depend on the
        parameters of its own task only.
      batch: B.
      steps: gradient steps.
      second_order: whether the result is differentiated through the inner gradient.
      clip: largest magnitude of an element of the gradient.

    Returns:
      phi: the adapted parameters of every task.
    """
    phi = {
        name: tf.broadcast_to(value, (batch, *value.shape))
        for name, value in theta.items()
    }
    for _ in range(steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(phi)
            # Each task has its own parameters, so that the sum keeps them apart.
            total = tf.reduce_sum(loss(phi))
        gradients = tape.gradient(total, phi, unconnected_gradients="zero")
        for name, gradient in gradients.items():
            gradient = tf.clip_by_value(gradient, -clip, clip)
            if not second_order:
                gradient = tf.stop_gradient(gradient)
            phi[name] = phi[name] - alpha[name] * gradient
    return phi


def pack(phi: Parameters) -> tf.Tensor:
    """Return adapted parameters as one [B, P], in the order of their names."""
    return tf.concat(
        [
            tf.reshape(phi[name], (-1, phi[name].shape[1:].num_elements()))
            for name in sorted(phi)
        ],
        axis=-1,
    )


def unpack(packed: tf.Tensor, theta: Parameters) -> Parameters:
    """Invert `pack`, given [B, P] and parameters of the same names and shapes."""
    names = sorted(theta)
    sizes = [theta[name].shape.num_elements() for name in names]
    parts = tf.split(packed, sizes, axis=-1)
    return {
        name: tf.reshape(part, (-1, *theta[name].shape))
        for name, part in zip(names, parts, strict=True)
    }
