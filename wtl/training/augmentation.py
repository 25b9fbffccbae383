"""Symmetries of a world, applied to all states and actions of an example.

The world may be mirrored left to right, and colours may be permuted and inverted
channel by channel: 2 x 48 variants of each example without simulation. The
second keeps a network from memorising object sets. Colours that are read from images
are also dimmed and lightened, or a network knows each scene by its table's colour.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.datasets.contract.layout import Layout, slices

_DIMMEST = 0.6


class Symmetry(NamedTuple):
    """One symmetry for each of B examples.

    Attributes:
      mirror: [B] 1 or, for a mirrored world, -1.
      colour: [B, 3, 3] signed permutations of the colour channels.
      offset: [B, 3] added to the permuted colours.
    """

    mirror: np.ndarray
    colour: np.ndarray
    offset: np.ndarray


def draw(rng: np.random.Generator, count: int, lit: bool = False) -> Symmetry:
    """Draw symmetries uniformly; `lit` for colours that depend on light."""
    order = rng.permuted(np.tile(np.arange(3), (count, 1)), axis=1)
    inverted = rng.random((count, 3)) < 0.5
    sign = np.where(inverted, -1.0, 1.0)
    mirror = rng.choice((-1.0, 1.0), count)
    colour, offset = np.eye(3)[order] * sign[..., None], inverted.astype(np.float64)
    if lit:
        gain = rng.uniform(_DIMMEST, 1.0, (count, 3))
        colour = gain[..., None] * colour
        offset = gain * offset + (1 - gain) * rng.random((count, 3))
    return Symmetry(*(x.astype(np.float32) for x in (mirror, colour, offset)))


def apply_to_states(symmetry: Symmetry, state: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Transform [B, ..., S] states."""
    mirror = _broadcast(symmetry.mirror, state)
    signs = tf.constant(layout.mirror_signs())
    state = state * tf.where(mirror < 0, signs, tf.ones_like(signs))
    rows = []
    for name, (place, _) in layout.rows.items():
        row = state[..., place]
        coloured = name in layout.coloured_sets
        rows.append(_recolour(symmetry, row, layout, name) if coloured else row)
    return tf.concat(rows, axis=-1)


def _recolour(
    symmetry: Symmetry, row: tf.Tensor, layout: Layout, name: str
) -> tf.Tensor:
    """Transform the [B, ..., size * W] rows of all entities of a kind."""
    fields = layout.tables[name]
    size = sum(fields.values())
    matrix, offset = tf.eye(size), 0.0
    change = tf.linalg.matrix_transpose(symmetry.colour) - tf.eye(3)
    for field, rgb in slices(fields).items():
        if field.endswith("rgb"):
            # One small product is cheaper than splitting and joining rows.
            beside = [rgb.start, size - rgb.stop]
            matrix += tf.pad(change, [[0, 0], beside, beside])
            offset += tf.pad(symmetry.offset, [[0, 0], beside])
    each = tf.reshape(row, (tf.shape(row)[0], -1, size))
    each = tf.matmul(each, matrix) + offset[:, None]
    return tf.reshape(each, tf.shape(row))


def apply_to_actions(
    symmetry: Symmetry, action: tf.Tensor, layout: Layout
) -> tf.Tensor:
    """Transform [B, ..., A] actions."""
    mirror = _broadcast(symmetry.mirror, action)
    signs = tf.constant(layout.action_mirror, tf.float32)
    return action * tf.where(mirror < 0, signs, tf.ones_like(signs))


def _broadcast(value: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Reshape [B] to [B, 1, ..., 1], the rank of a tensor of B examples."""
    shape = tf.concat([tf.shape(value), tf.ones(tf.rank(like) - 1, tf.int32)], 0)
    return tf.reshape(value, shape)
