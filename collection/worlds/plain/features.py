"""Network inputs of a world without entities."""

import tensorflow as tf

from wtl.collection.worlds.plain.layout import TIME
from wtl.policies.features.entities import ATTRIBUTES, Entities

_STEPS = 100.0  # scale of the number of the step


class PlainFeatures:
    """Features of states without entities; see `wtl.policies.features`."""

    def entities(self, rows: dict[str, tf.Tensor]) -> Entities:
        """Return one entity of zeros, which stands for the scene."""
        like = rows[TIME][..., None, :]

        def zeros(width: int) -> tf.Tensor:
            return tf.zeros_like(like) * tf.ones(width)

        return Entities(*map(zeros, (3, 2, 3, 1, 1, ATTRIBUTES)))

    def step(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the number [...] of the timestep."""
        return rows[TIME][..., 0]

    def body(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return all numbers [..., G], those far from 0 on a logarithmic scale."""
        parts = [
            tf.sign(row) * tf.math.log1p(tf.abs(row))
            for name, row in rows.items()
            if name != TIME
        ]
        return tf.concat([*parts, rows[TIME] / _STEPS], axis=-1)

    def relations(self, rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
        """Return zeros [..., 1, 9]: nothing is known of the scene besides `body`."""
        del rows
        return tf.zeros_like(items.velocity[..., :1]) * tf.ones(9)
