"""Network inputs of a world without entities."""

import tensorflow as tf

from wtl.collection.worlds.plain.layout import STEPS, TIME
from wtl.policies.features.entities import ATTRIBUTES, Entities


class PlainFeatures:
    """Features of normalised states without entities; see `wtl.policies.features`."""

    def entities(self, rows: dict[str, tf.Tensor]) -> Entities:
        """Return one entity of zeros, which stands for the scene."""
        like = next(iter(rows.values()))[..., None, :1]

        def zeros(width: int) -> tf.Tensor:
            return tf.zeros_like(like) * tf.ones(width)

        return Entities(*map(zeros, (3, 2, 3, 1, 1, ATTRIBUTES)))

    def step(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the number [...] of the timestep; 0 where it is not observed."""
        if TIME in rows:
            return tf.round(STEPS * rows[TIME][..., 0])
        return tf.zeros_like(next(iter(rows.values()))[..., 0])

    def body(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return all numbers [..., G], those far from 0 on a logarithmic scale."""
        joined = tf.concat([*rows.values()], axis=-1)
        return tf.sign(joined) * tf.math.log1p(tf.abs(joined))

    def relations(self, rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
        """Return zeros [..., 1, 9]: nothing is known of the scene besides `body`."""
        del rows
        return tf.zeros_like(items.velocity[..., :1]) * tf.ones(9)
