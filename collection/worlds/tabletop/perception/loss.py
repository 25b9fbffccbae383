"""Loss of perception, taught with simulator states (privileged)."""

from typing import NamedTuple

import tensorflow as tf

from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.perception import attention as attentions
from wtl.collection.worlds.tabletop.perception import network as networks
from wtl.policies import features

# Differences that count as one: metres, radians (sine, cosine), shares.
_UNITS = {
    "objects": {
        "position": 0.01,
        "sin_cos_yaw": 0.1,
        "upright": 0.2,
        "rgb": 0.1,
        "half_sizes": 0.003,
        "is_box": 0.3,
    },
    "buttons": {"position": 0.01, "travel": 0.003, "rgb": 0.1},
    "fixtures": {"anchor": 0.01, "goal": 0.02},
    "gripper": {"position": 0.01, "sin_cos_yaw": 0.1, "gap": 0.01},
}


class Example(NamedTuple):
    """Batch of B episodes, each at its first and K later timesteps.

    Attributes:
      image: uint8[B, 1 + K, H, W, 3].
      proprioception: [B, 1 + K, P] proprioception.
      state: [B, 1 + K, S] true states, slots in order of place.
      point: [B, 1 + K, Q, 2] image coordinates in [-1, 1] of objects, buttons, anchor,
        the middle of the goal band and the hand.
    """

    image: tf.Tensor
    proprioception: tf.Tensor
    state: tf.Tensor
    point: tf.Tensor


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: sum that is minimised.
      detect: of the first images.
      track: of the later images.
      attention: cross-entropy of the attention, nats.
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


def _error(found, truth, row: str, parts=None) -> tf.Tensor:
    """Sum over parts of a row of the mean error, in their units."""
    total = 0.0
    fields = observation.slices(observation.Layout.tables[row])
    for name in parts or _UNITS[row]:
        part = fields[name]
        difference = (found[row][..., part] - truth[row][..., part]) / _UNITS[row][name]
        if name == "sin_cos_yaw" and row == "objects":
            # A cylinder looks the same from all sides.
            difference *= truth[row][..., fields["is_box"]]
        # Huber: as a square near the truth, but bounded in slope for lost objects.
        total += tf.reduce_mean(tf.sqrt(1 + difference**2) - 1)
    return total


def _attention_loss(found: attentions.Attended, point: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the attention with the cells of points [N, Q, 2]."""
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
    """Return errors of detection in first images and of tracking in later ones.

    Args:
      network: to be trained.
      example: images and the truth.
      log_sigma_floor: not used; there is no mixture here.
    """
    del log_sigma_floor
    image, proprioception, state, point = example
    length = tf.shape(state)[1]
    detected, found, view = network.detect(image[:, 0], proprioception[:, 0])
    truth = features.split(state[:, 0], network.layout)
    rows = features.split(detected, network.layout)
    detect = sum(_error(rows, truth, row) for row in ("objects", "buttons", "fixtures"))
    tracked, followed = network.track(
        tf.reshape(image[:, 1:], (-1, *image.shape[2:])),
        tf.reshape(proprioception[:, 1:], (-1, proprioception.shape[-1])),
        tf.repeat(tf.stop_gradient(detected), length - 1, axis=0),
        tf.repeat(view, length - 1, axis=0),
    )
    after = features.split(
        tf.reshape(state[:, 1:], (-1, state.shape[-1])), network.layout
    )
    moved = features.split(tracked, network.layout)
    track = _error(moved, after, "objects", ("position", "sin_cos_yaw", "upright"))
    track += _error(moved, after, "buttons", ("travel",))
    size = network.config.size
    everything, things = point[:, 0, :-1], point[:, 1:, :size]
    if network.config.watching:
        detect += _error(rows, truth, "gripper")
        track += _error(moved, after, "gripper")
        everything = point[:, 0]
        things = tf.concat([things, point[:, 1:, -1:]], axis=-2)
    attention = _attention_loss(found, everything) + _attention_loss(
        followed, tf.reshape(things, (-1, things.shape[2], 2))
    )
    part = observation.slices(observation.OBJECT)

    def mean_error(difference, name, weight):
        error = tf.reduce_mean(tf.abs(difference[..., part[name]]), -1, keepdims=True)
        return tf.reduce_sum(weight * error) / (tf.reduce_sum(weight) + 1e-6)

    difference = moved["objects"] - after["objects"]
    is_box = after["objects"][..., part["is_box"]]
    of_first = rows["objects"] - truth["objects"]
    return Losses(
        total=detect + track + attention,
        detect=detect,
        track=track,
        attention=attention,
        position=tf.reduce_mean(tf.norm(difference[..., part["position"]], axis=-1)),
        yaw=mean_error(difference, "sin_cos_yaw", is_box),
        colour=mean_error(of_first, "rgb", tf.ones_like(of_first[..., :1])),
    )
