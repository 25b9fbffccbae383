"""Network inputs of the reacher."""

import tensorflow as tf

from wtl.collection.worlds.reacher import environment, observation
from wtl.datasets.contract.layout import slices
from wtl.policies.features.entities import ATTRIBUTES, Entities

_FINE = 30.0  # tanh(30 d) resolves the last centimetres


def _part(rows: dict[str, tf.Tensor], name: str) -> tf.Tensor:
    return rows["arm"][..., slices(observation.ARM)[name]]


def _flat(position: tf.Tensor) -> tf.Tensor:
    """[..., 2] as [..., 3] at height zero."""
    return tf.concat([position, tf.zeros_like(position[..., :1])], axis=-1)


def entities(rows: dict[str, tf.Tensor]) -> Entities:
    """Return the targets of split states: discs that differ by colour alone."""
    where = slices(observation.TARGET)
    position = rows["targets"][..., where["position"]]
    rgb = rows["targets"][..., where["rgb"]]
    nothing = tf.zeros_like(position[..., :1])
    others = tf.zeros_like(rgb[..., :1]) * tf.ones(ATTRIBUTES - 3)
    return Entities(
        position=_flat(position),
        sin_cos_yaw=tf.concat([nothing, nothing + 1], axis=-1),
        velocity=tf.zeros_like(rgb),
        upright=nothing + 1,
        travel=nothing,
        attributes=tf.concat([rgb, others], axis=-1),
    )


def step(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Number [...] of the timestep of split states, as a float."""
    return tf.round(rows["clock"][..., 0] * environment.Reacher.horizon)


def body(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return features [..., G] of arm and time."""
    return tf.concat(
        [
            _part(rows, "sin_joints"),
            _part(rows, "cos_joints"),
            _part(rows, "joint_velocity") * 0.2,
            _part(rows, "tip") * 5,
            rows["clock"],
        ],
        axis=-1,
    )


def relations(rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
    """Return features [..., E, R] of targets in relation to the arm."""
    tip = _part(rows, "tip")[..., None, :]
    to_tip = items.position - _flat(tip)
    sine = _part(rows, "sin_joints")[..., None, :1]
    cosine = _part(rows, "cos_joints")[..., None, :1]
    x, y = items.position[..., :1], items.position[..., 1:2]
    # In the frame of the upper arm the turn of the shoulder is the same everywhere.
    along, across = y * cosine - x * sine, -x * cosine - y * sine
    return tf.concat(
        [
            items.position * 5,
            to_tip * 5,
            tf.tanh(_FINE * to_tip),
            along * 5,
            across * 5,
            items.attributes,
        ],
        axis=-1,
    )
