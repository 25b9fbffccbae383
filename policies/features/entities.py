"""What networks know of the things in a scene, whatever the world."""

import dataclasses

import tensorflow as tf

ATTRIBUTES = 8  # F: RGB, half sizes, is box, is button


@dataclasses.dataclass(frozen=True)
class Entities:
    """The E entities of a state, by slot, brought to one form.

    Attributes:
      position: [..., E, 3] metres.
      sin_cos_yaw: [..., E, 2].
      velocity: [..., E, 3] m/s.
      upright: [..., E, 1].
      travel: [..., E, 1] how far a button is down, metres.
      attributes: [..., E, F] what does not change: colour, size, shape, kind.
    """

    position: tf.Tensor
    sin_cos_yaw: tf.Tensor
    velocity: tf.Tensor
    upright: tf.Tensor
    travel: tf.Tensor
    attributes: tf.Tensor

    def pick(self, weights: tf.Tensor) -> "Entities":
        """Weighted sums over entities.

        Args:
          weights: [..., E], broadcast against the leading axes.

        Returns:
          Entities with an axis of length one in place of E.
        """
        return Entities(
            *(
                tf.reduce_sum(weights[..., None] * value, axis=-2, keepdims=True)
                for value in vars(self).values()
            )
        )
