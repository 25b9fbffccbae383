"""Network inputs of a world without entities."""

from collections.abc import Mapping

import tensorflow as tf

from wtl.collection.worlds.plain.layout import STEPS, TIME
from wtl.policies import axes
from wtl.policies.features.entities import ATTRIBUTES, Entities


class PlainFeatures:
    """Features of normalised states without entities; see `wtl.policies.features`."""

    def __init__(self, sets: Mapping[str, int]):
        """Create the features of states with sets of these sizes among their rows."""
        self._sets = sets

    def _vectors(self, rows: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        """Return all rows as vectors; members of sets are joined."""
        return [
            axes.joined(row) if name in self._sets else row
            for name, row in rows.items()
        ]

    def entities(self, rows: dict[str, tf.Tensor]) -> Entities:
        """Return zeros: of members of sets, or of one entity for the whole scene."""
        like = self._vectors(rows)[0][..., None, :1]

        def zeros(width: int) -> tf.Tensor:
            return tf.zeros_like(like) * tf.ones((sum(self._sets.values()) or 1, width))

        return Entities(*map(zeros, (3, 2, 3, 1, 1, ATTRIBUTES)))

    def step(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the number [...] of the timestep; 0 where it is not observed."""
        if TIME in rows:
            return tf.round(STEPS * rows[TIME][..., 0])
        return tf.zeros_like(self._vectors(rows)[0][..., 0])

    def body(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return all numbers [..., G], those far from 0 on a logarithmic scale."""
        joined = tf.concat(self._vectors(rows), axis=-1)
        return tf.sign(joined) * tf.math.log1p(tf.abs(joined))

    def relations(self, rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
        """Return zeros [..., E, 9]: nothing is known of the scene besides `body`."""
        del rows
        return tf.zeros_like(items.velocity[..., :1]) * tf.ones(9)
