"""Network inputs of the gripper's world."""

import tensorflow as tf

from wtl.collection.worlds.tabletop import (
    arena,
    button,
    environment,
    observation,
    world,
)
from wtl.policies.features.entities import Entities

_FINE = 30.0  # tanh(30 d) resolves the last centimetres
_SIZE_SCALE = 20.0


def _field(row: tf.Tensor, fields: dict[str, int], name: str) -> tf.Tensor:
    return row[..., observation.slices(fields)[name]]


def entities(rows: dict[str, tf.Tensor]) -> Entities:
    """Objects and buttons of split states, brought to one form."""
    objects, buttons = rows["objects"], rows["buttons"]

    def of_object(name):
        return _field(objects, observation.OBJECT, name)

    def of_button(name):
        return _field(buttons, observation.BUTTON, name)

    def constant(*values):
        return tf.broadcast_to(
            tf.constant(values, buttons.dtype),
            tf.concat([tf.shape(buttons)[:-1], [len(values)]], 0),
        )

    def both(object_values, button_values):
        return tf.concat([object_values, button_values], axis=-2)

    object_attributes = tf.concat(
        [
            of_object("rgb"),
            _SIZE_SCALE * of_object("half_sizes"),
            of_object("is_box"),
            tf.zeros_like(of_object("is_box")),
        ],
        axis=-1,
    )
    cap = tuple(
        _SIZE_SCALE * size
        for size in (button.RADIUS, button.RADIUS, button.HALF_HEIGHT)
    )
    button_attributes = tf.concat([of_button("rgb"), constant(*cap, 0.0, 1.0)], axis=-1)
    return Entities(
        position=both(of_object("position"), of_button("position")),
        sin_cos_yaw=both(of_object("sin_cos_yaw"), constant(0.0, 1.0)),
        velocity=both(of_object("velocity"), constant(0.0, 0.0, 0.0)),
        upright=both(of_object("upright"), constant(1.0)),
        travel=both(tf.zeros_like(of_object("upright")), of_button("travel")),
        attributes=both(object_attributes, button_attributes),
    )


def step(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Number [...] of the timestep of split states, as a float."""
    time = _field(rows["fixtures"], observation.FIXTURES, "time")[..., 0]
    return tf.round(time * environment.HORIZON)


def motion(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """What moved after each of T frames, [N, T, A], in units of the action.

    Frames follow each other at the control rate; nothing is known after the last.
    """
    row = rows["gripper"]
    setpoint = _field(row, observation.GRIPPER, "setpoint")
    step = (setpoint[:, 1:] - setpoint[:, :-1]) / world.ARM_SCALE.astype("float32")
    finger = _field(row, observation.GRIPPER, "finger_command")[:, 1:]
    moved = tf.concat([step, finger], axis=-1)
    return tf.pad(moved, ((0, 0), (0, 1), (0, 0)))


def body(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Features [..., G] of gripper, anchor, goal and time."""
    row, fixtures = rows["gripper"], rows["fixtures"]

    def part(name):
        return _field(row, observation.GRIPPER, name)

    position, setpoint = part("position"), part("setpoint")
    anchor = _field(fixtures, observation.FIXTURES, "anchor")
    goal = _field(fixtures, observation.FIXTURES, "goal")
    return tf.concat(
        [
            position * 5,
            part("sin_cos_yaw"),
            (setpoint[..., :3] - position) * 20,
            setpoint[..., 3:],
            part("gap") * 15,
            part("finger_command"),
            part("velocity") * 2,
            anchor * 5,
            (anchor - position) * 5,
            tf.tanh(_FINE * (anchor - position)),
            (goal - 0.45) * 10,
            _field(fixtures, observation.FIXTURES, "time"),
        ],
        axis=-1,
    )


def _rotations(sin_cos: tf.Tensor) -> tf.Tensor:
    """Sine and cosine of twice and four times an angle given as [..., 2]."""
    sine, cosine = sin_cos[..., :1], sin_cos[..., 1:]
    sine2, cosine2 = 2 * sine * cosine, cosine**2 - sine**2
    return tf.concat(
        [sine2, cosine2, 2 * sine2 * cosine2, cosine2**2 - sine2**2], axis=-1
    )


def _turn(sin_cos: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
    """Sine and cosine of the difference of two angles."""
    sine = sin_cos[..., :1] * by[..., 1:] - sin_cos[..., 1:] * by[..., :1]
    cosine = sin_cos[..., 1:] * by[..., 1:] + sin_cos[..., :1] * by[..., :1]
    return tf.concat([sine, cosine], axis=-1)


def relations(rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
    """Features [..., E, R] of entities in relation to gripper, anchor and goal."""
    row = rows["gripper"][..., None, :]
    fixtures = rows["fixtures"][..., None, :]
    hand = _field(row, observation.GRIPPER, "position")
    setpoint = _field(row, observation.GRIPPER, "setpoint")
    hand_yaw = _field(row, observation.GRIPPER, "sin_cos_yaw")
    anchor = _field(fixtures, observation.FIXTURES, "anchor")
    goal = _field(fixtures, observation.FIXTURES, "goal")
    to_hand = items.position - hand
    to_anchor = anchor - items.position
    distance = tf.sqrt(
        tf.reduce_sum(to_anchor[..., :2] ** 2, axis=-1, keepdims=True) + 1e-6
    )
    direction = to_anchor[..., :2] / distance
    reach = to_hand[..., :2]
    along = tf.reduce_sum(reach * direction, axis=-1, keepdims=True)
    half_sizes = items.attributes[..., 3:6] / _SIZE_SCALE
    bottom = items.position[..., 2:] - half_sizes[..., 2:]
    footprint = tf.reduce_mean(half_sizes[..., :2], axis=-1, keepdims=True)
    gap = _field(row, observation.GRIPPER, "gap")
    clearances = tf.concat(
        [
            bottom,  # above the table
            bottom - 2 * arena.ANCHOR_HALF_HEIGHT,  # above the anchor
            distance - footprint - arena.ANCHOR_RADIUS,  # beside the anchor
            gap - 2 * half_sizes[..., :1],  # between the fingers
        ],
        axis=-1,
    )
    across = reach[..., :1] * direction[..., 1:] - reach[..., 1:] * direction[..., :1]
    return tf.concat(
        [
            items.position * 5,
            to_hand * 5,
            tf.tanh(_FINE * to_hand),
            tf.tanh(_FINE * (items.position[..., :2] - setpoint[..., :2])),
            _rotations(items.sin_cos_yaw),
            _rotations(_turn(items.sin_cos_yaw, hand_yaw)),
            items.velocity * 2,
            items.upright,
            items.travel * 50,
            to_anchor * 5,
            tf.tanh(_FINE * to_anchor),
            distance * 5,
            direction,
            along * 5,
            tf.tanh(_FINE * across),
            (goal - items.position[..., 1:2]) * 5,
            tf.tanh(_FINE * clearances),
            items.attributes,
        ],
        axis=-1,
    )
