"""Features of the entities of a scene, of one form in all worlds."""

import dataclasses

import tensorflow as tf

ATTRIBUTES = 8  # F: RGB, half sizes, is box, is of the second kind


@dataclasses.dataclass(frozen=True)
class Entities:
    """The E entities of a state, by slot.

    Attributes:
      position: [..., E, 3] metres.
      sin_cos_yaw: [..., E, 2].
      velocity: [..., E, 3] m/s.
      upright: [..., E, 1].
      travel: [..., E, 1] displacement of what can be pressed, metres.
      attributes: [..., E, F] constant colour, size, shape, kind.
    """

    position: tf.Tensor
    sin_cos_yaw: tf.Tensor
    velocity: tf.Tensor
    upright: tf.Tensor
    travel: tf.Tensor
    attributes: tf.Tensor

    def pick(self, weights: tf.Tensor) -> "Entities":
        """Return sums [..., 1, ...] over entities with weights [..., E]."""
        return Entities(
            *(
                tf.reduce_sum(weights[..., None] * value, axis=-2, keepdims=True)
                for value in vars(self).values()
            )
        )
