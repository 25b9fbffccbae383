"""Teaches perception with the states that the simulator knows (privileged)."""

from typing import NamedTuple

import tensorflow as tf

from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.perception import attention as attentions
from wtl.collection.worlds.tabletop.perception import network as networks
from wtl.policies import features

# Differences that count as one: metres, radians (sine, cosine), shares.
_OBJECT_UNITS = {
    "position": 0.01,
    "sin_cos_yaw": 0.1,
    "upright": 0.2,
    "rgb": 0.1,
    "half_sizes": 0.003,
    "is_box": 0.3,
}
_BUTTON_UNITS = {"position": 0.01, "travel": 0.003, "rgb": 0.1}
_HAND_UNITS = {"position": 0.01, "sin_cos_yaw": 0.1, "gap": 0.01}
_FIXTURE_UNITS = {"anchor": 0.01, "goal": 0.02}


class Example(NamedTuple):
    """B episodes, each at its first and K later timesteps.

    Attributes:
      image: uint8[B, 1 + K, H, W, 3].
      felt: [B, 1 + K, P] proprioception.
      state: [B, 1 + K, S] true states, slots in order of place.
      point: [B, 1 + K, Q, 2] image coordinates in [-1, 1] of objects, buttons, anchor,
        the middle of the goal band and the hand.
    """

    image: tf.Tensor
    felt: tf.Tensor
    state: tf.Tensor
    point: tf.Tensor


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: what is minimised.
      detect: of the first images.
      track: of the later images.
      attention: cross-entropy of where the network looks, nats.
      position: mean error of object positions in later images, metres.
      yaw: mean error of sine and cosine of the yaw of boxes, later images.
      colour: mean error of object colours.
    """

    total: tf.Tensor
    detect: tf.Tensor
    track: tf.Tensor
    attention: tf.Tensor
    position: tf.Tensor
    yaw: tf.Tensor
    colour: tf.Tensor


def _error(found, truth, fields, units):
    total = 0.0
    for name, unit in units.items():
        part = observation.slices(fields)[name]
        difference = (found[..., part] - truth[..., part]) / unit
        if name == "sin_cos_yaw" and "is_box" in fields:
            # A cylinder looks the same from all sides.
            difference *= truth[..., observation.slices(fields)["is_box"]]
        # Huber: as a square near the truth, without shouting when an object is lost.
        total += tf.reduce_mean(tf.sqrt(1 + difference**2) - 1)
    return total


def _hand_error(found, truth):
    return _error(found["gripper"], truth["gripper"], observation.GRIPPER, _HAND_UNITS)


def _attention_loss(found: attentions.Attended, point: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of where it looked with the cells of points [N, Q, 2]."""
    side = round(found.logits.shape[1] ** 0.5)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=attentions.cell(point, side),
            logits=tf.transpose(found.logits, (0, 2, 1)),
        )
    )


def loss(
    network: networks.Perception, example: Example, log_sigma_floor: tf.Tensor
) -> Losses:
    """Error of detection in the first image and of tracking in the later ones.

    Args:
      network: to be trained.
      example: what it sees, and the truth.
      log_sigma_floor: not used; there is no mixture here.
    """
    del log_sigma_floor
    image, felt, state, point = example
    length = tf.shape(felt)[1]
    detected, looked, view = network.detect(image[:, 0], felt[:, 0])
    truth = features.split(state[:, 0], network.layout)
    rows = features.split(detected, network.layout)
    detect = (
        _error(rows["objects"], truth["objects"], observation.OBJECT, _OBJECT_UNITS)
        + _error(rows["buttons"], truth["buttons"], observation.BUTTON, _BUTTON_UNITS)
        + _error(
            rows["fixtures"], truth["fixtures"], observation.FIXTURES, _FIXTURE_UNITS
        )
    )
    tracked, followed = network.track(
        tf.reshape(image[:, 1:], (-1, *image.shape[2:])),
        tf.reshape(felt[:, 1:], (-1, felt.shape[-1])),
        tf.repeat(tf.stop_gradient(detected), length - 1, axis=0),
        tf.repeat(view, length - 1, axis=0),
    )
    after = features.split(
        tf.reshape(state[:, 1:], (-1, state.shape[-1])), network.layout
    )
    moved = features.split(tracked, network.layout)
    units = {k: _OBJECT_UNITS[k] for k in ("position", "sin_cos_yaw", "upright")}
    track = _error(
        moved["objects"], after["objects"], observation.OBJECT, units
    ) + _error(
        moved["buttons"], after["buttons"], observation.BUTTON, {"travel": 0.003}
    )
    size = network.config.size
    everything, things = point[:, 0, :-1], point[:, 1:, :size]
    if network.config.watching:
        detect += _hand_error(rows, truth)
        track += _hand_error(moved, after)
        everything = point[:, 0]
        things = tf.concat([things, point[:, 1:, -1:]], axis=-2)
    attention = _attention_loss(looked, everything) + _attention_loss(
        followed, tf.reshape(things, (-1, things.shape[2], 2))
    )
    part = observation.slices(observation.OBJECT)

    def mean_error(found, true, name, weight):
        error = tf.abs(found[..., part[name]] - true[..., part[name]])
        return tf.reduce_sum(weight * tf.reduce_mean(error, -1, keepdims=True)) / (
            tf.reduce_sum(weight) + 1e-6
        )

    difference = (moved["objects"] - after["objects"])[..., part["position"]]
    return Losses(
        total=detect + track + attention,
        detect=detect,
        track=track,
        attention=attention,
        position=tf.reduce_mean(tf.norm(difference, axis=-1)),
        yaw=mean_error(
            moved["objects"],
            after["objects"],
            "sin_cos_yaw",
            after["objects"][..., part["is_box"]],
        ),
        colour=mean_error(
            rows["objects"],
            truth["objects"],
            "rgb",
            tf.ones_like(truth["objects"][..., :1]),
        ),
    )
