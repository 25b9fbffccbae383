"""Adaptation by gradient: steps on a loss of what a task has shown."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from wtl.policies.adapters.regression import Pairs
from wtl.policies.legacy_keras import tf_keras

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


def size(theta: Parameters) -> int:
    """Return P, the number of parameters of a task."""
    return sum(value.shape.num_elements() for value in theta.values())


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


class GradientRegression(tf_keras.Model):
    """Multilayer perceptron that takes gradient steps on the squared error of pairs.

    The update of GrBAL (Nagabandi et al. 2019, section 4.1): see `adapt`. An adaptation
    is all parameters of the network, see `AdaptiveRegression`.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden: Sequence[int],
        *,
        steps: int = 1,
        alpha: float = 0.01,
        second_order: bool = True,
        clip: float = 10.0,
    ):
        """Create the regression of outputs [Y] on inputs [X].

        Args:
          input_size: X.
          output_size: Y.
          hidden: widths of the hidden layers.
          steps: gradient steps.
          alpha: initial step size of every parameter; step sizes are learned.
          second_order: see `adapt`.
          clip: see `adapt`.
        """
        super().__init__(name="gradient_regression")
        self._inner = {"steps": steps, "second_order": second_order, "clip": clip}
        self.theta: dict[str, tf.Variable] = {}
        self.alpha: dict[str, tf.Variable] = {}
        sizes = (input_size, *hidden, output_size)
        self._last = len(hidden)
        for i, (width, units) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            self._add(f"kernel_{i}", (width, units), "glorot_uniform", alpha)
            self._add(f"bias_{i}", (units,), "zeros", alpha)

    def _add(self, name: str, shape: tuple[int, ...], initializer: str, alpha: float):
        self.theta[name] = self.add_weight(name, shape, initializer=initializer)
        constant = tf_keras.initializers.Constant(alpha)
        self.alpha[name] = self.add_weight(f"{name}_alpha", shape, initializer=constant)

    @property
    def adaptation_size(self) -> int:
        """Z, the number of parameters."""
        return size(self.theta)

    def adapt(self, seen: Pairs) -> tf.Tensor:
        """See `AdaptiveRegression.adapt`; without valid pairs no step is taken."""
        count = tf.maximum(tf.reduce_sum(seen.valid, axis=1, keepdims=True), 1)

        def loss(phi: Parameters) -> tf.Tensor:
            error = self._predict(phi, seen.inputs) - seen.outputs
            each = tf.reduce_mean(error**2, axis=-1)
            return tf.reduce_sum(seen.valid / count * each, axis=1)

        batch = tf.shape(seen.valid)[0]
        return pack(adapt(self.theta, self.alpha, loss, batch=batch, **self._inner))

    def predict(self, inputs: tf.Tensor, adaptation: tf.Tensor) -> tf.Tensor:
        """See `AdaptiveRegression.predict`."""
        return self._predict(unpack(adaptation, self.theta), inputs)

    def _predict(self, phi: Parameters, inputs: tf.Tensor) -> tf.Tensor:
        values = inputs
        for i in range(self._last + 1):
            values = tf.matmul(values, phi[f"kernel_{i}"]) + phi[f"bias_{i}"][:, None]
            if i < self._last:
                values = tf.nn.relu(values)
        return values
