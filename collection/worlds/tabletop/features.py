"""Network inputs of the tabletop."""

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


def _parts(rows: dict[str, tf.Tensor], name: str) -> dict[str, tf.Tensor]:
    """Parts of one row of split states by name."""
    places = observation.slices(observation.Layout.tables[name])
    return {part: rows[name][..., place] for part, place in places.items()}


def entities(rows: dict[str, tf.Tensor]) -> Entities:
    """Return the objects and buttons of split states in one form."""
    objects, buttons = _parts(rows, "objects"), _parts(rows, "buttons")

    def constant(*values):
        return tf.zeros_like(buttons["travel"]) + tf.constant(
            values, buttons["travel"].dtype
        )

    object_attributes = tf.concat(
        [
            objects["rgb"],
            _SIZE_SCALE * objects["half_sizes"],
            objects["is_box"],
            tf.zeros_like(objects["is_box"]),
        ],
        axis=-1,
    )
    cap = [
        _SIZE_SCALE * size
        for size in (button.RADIUS, button.RADIUS, button.HALF_HEIGHT)
    ]
    button_attributes = tf.concat([buttons["rgb"], constant(*cap, 0.0, 1.0)], axis=-1)
    pairs = {
        "position": (objects["position"], buttons["position"]),
        "sin_cos_yaw": (objects["sin_cos_yaw"], constant(0.0, 1.0)),
        "velocity": (objects["velocity"], constant(0.0, 0.0, 0.0)),
        "upright": (objects["upright"], constant(1.0)),
        "travel": (tf.zeros_like(objects["upright"]), buttons["travel"]),
        "attributes": (object_attributes, button_attributes),
    }
    return Entities(**{name: tf.concat(pair, -2) for name, pair in pairs.items()})


def step(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return the number [...] of the timestep of split states, as a float."""
    return tf.round(_parts(rows, "fixtures")["time"][..., 0] * environment.HORIZON)


def motion(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return the motion after each of T frames, [N, T, A], in units of the action.

    Frames follow each other at the control rate; zeros stand after the last.
    """
    gripper = _parts(rows, "gripper")
    setpoint = gripper["setpoint"]
    step = (setpoint[:, 1:] - setpoint[:, :-1]) / world.ARM_SCALE.astype("float32")
    moved = tf.concat([step, gripper["finger_command"][:, 1:]], axis=-1)
    return tf.pad(moved, ((0, 0), (0, 1), (0, 0)))


def body(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return features [..., G] of gripper, anchor, goal and time."""
    gripper, fixtures = _parts(rows, "gripper"), _parts(rows, "fixtures")
    position, setpoint = gripper["position"], gripper["setpoint"]
    anchor = fixtures["anchor"]
    return tf.concat(
        [
            position * 5,
            gripper["sin_cos_yaw"],
            (setpoint[..., :3] - position) * 20,
            setpoint[..., 3:],
            gripper["gap"] * 15,
            gripper["finger_command"],
            gripper["velocity"] * 2,
            anchor * 5,
            (anchor - position) * 5,
            tf.tanh(_FINE * (anchor - position)),
            (fixtures["goal"] - 0.45) * 10,
            fixtures["time"],
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
    """Return features [..., E, R] of entities in relation to gripper, anchor, goal."""
    rows = {name: rows[name][..., None, :] for name in ("gripper", "fixtures")}
    gripper, fixtures = _parts(rows, "gripper"), _parts(rows, "fixtures")
    to_hand = items.position - gripper["position"]
    to_anchor = fixtures["anchor"] - items.position
    distance = tf.sqrt(
        tf.reduce_sum(to_anchor[..., :2] ** 2, axis=-1, keepdims=True) + 1e-6
    )
    direction = to_anchor[..., :2] / distance
    reach = to_hand[..., :2]
    along = tf.reduce_sum(reach * direction, axis=-1, keepdims=True)
    half_sizes = items.attributes[..., 3:6] / _SIZE_SCALE
    bottom = items.position[..., 2:] - half_sizes[..., 2:]
    footprint = tf.reduce_mean(half_sizes[..., :2], axis=-1, keepdims=True)
    clearances = tf.concat(
        [
            bottom,  # above the table
            bottom - 2 * arena.ANCHOR_HALF_HEIGHT,  # above the anchor
            distance - footprint - arena.ANCHOR_RADIUS,  # beside the anchor
            gripper["gap"] - 2 * half_sizes[..., :1],  # between the fingers
        ],
        axis=-1,
    )
    across = reach[..., :1] * direction[..., 1:] - reach[..., 1:] * direction[..., :1]
    to_setpoint = items.position[..., :2] - gripper["setpoint"][..., :2]
    return tf.concat(
        [
            items.position * 5,
            to_hand * 5,
            tf.tanh(_FINE * to_hand),
            tf.tanh(_FINE * to_setpoint),
            _rotations(items.sin_cos_yaw),
            _rotations(_turn(items.sin_cos_yaw, gripper["sin_cos_yaw"])),
            items.velocity * 2,
            items.upright,
            items.travel * 50,
            to_anchor * 5,
            tf.tanh(_FINE * to_anchor),
            distance * 5,
            direction,
            along * 5,
            tf.tanh(_FINE * across),
            (fixtures["goal"] - items.position[..., 1:2]) * 5,
            tf.tanh(_FINE * clearances),
            items.attributes,
        ],
        axis=-1,
    )
