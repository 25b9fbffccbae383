"""Perception model: from pixels to an estimated state vector, in two looks.

The first image of an episode is searched with learnt queries, one for each place on the
table (`detect`). The colour, size and place of a thing found there become the query for
the same thing in every later image (`track`). Both read a crop of the image around each
point found.

An estimated state has the layout of `tabletop.observation`: objects, then buttons, each
from left to right as they were in the first image. Object velocities are not estimated
and stay zero; the gripper's row is proprioception.

In videos of the simulated human (`PerceptionConfig.watching`) there is no
proprioception: the hand is one more thing to detect, and takes the place of the
gripper. The camera differs from video to video, so a code of the detections in the
first image, the view, maps image coordinates to places on the table.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.tabletop import arena, observation
from wtl.collection.worlds.tabletop.perception import attention
from wtl.collection.worlds.tabletop.perception import config as configs
from wtl.collection.worlds.tabletop.perception import fovea as foveas
from wtl.datasets.contract import fields
from wtl.policies import features
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_COLOUR = 3
_PLACE = 0.1  # metres; scale of places
_NEAR = 0.02  # metres; scale of corrections to them
_SIZE_MEAN, _SIZE_SCALE = 0.023, 0.01  # metres
_GOAL_MEAN, _GOAL_SCALE = 0.45, 0.05  # metres
_TRAVEL = 0.01  # metres
_GAP = 0.05  # metres


class Detected(NamedTuple):
    """Estimates from the first images of N episodes.

    Attributes:
      state: [N, S] estimated states.
      found: attention to objects, buttons, anchor, goal band and, in videos of the
        simulated human, the hand.
      view: [N, V] code of the camera's pose; V is 0 where that is always the same.
    """

    state: tf.Tensor
    found: attention.Attended
    view: tf.Tensor


class Watched(NamedTuple):
    """Estimates from all T images of N episodes.

    Attributes:
      state: [N, T, S] estimated states.
      point: [N, T, Q, 2] image coordinates in [-1, 1] of objects, buttons, anchor, goal
        band and, in videos of the simulated human, the hand. Points that are looked for
        in first images alone stay.
      heat: [N, T, h, w] shares of the attention to the cells of the map, 1 in all.
    """

    state: tf.Tensor
    point: tf.Tensor
    heat: tf.Tensor


class Perception(tf_keras.Model):
    """Perception model of one body's images, see the module."""

    def __init__(self, config: configs.PerceptionConfig):
        """Create the layers."""
        super().__init__(name="perception")
        self.config = config
        self.layout = observation.Layout(config.size)
        hidden = config.hidden

        def mlp(outputs):
            inner = [layers.Dense(hidden, "relu") for _ in range(2)]
            return tf_keras.Sequential([*inner, layers.Dense(outputs)])

        # From one view a polynomial will do.
        places = mlp if config.watching else layers.Dense
        self._map = attention.CoarseMap(config.channels)
        self._fovea = foveas.Fovea(config.pixels, config.fovea, config.close)
        # Objects and buttons by place, anchor, goal band.
        self._detect_logits = layers.Dense(2 * config.size + 2)
        self._key = layers.Dense(config.channels)
        self._query = tf_keras.Sequential(
            [layers.Dense(hidden, "relu"), layers.Dense(config.channels)]
        )
        self._places = {
            name: places(3) for name in ("object", "button", "anchor", "moved")
        }
        if config.watching:
            self._hand_logits = layers.Dense(1)
            self._places["hand"] = places(3)
            self._read_hand = mlp(3 + 2 + 1)
            self._view = mlp(config.view)
        self._read_object = mlp(3 + 2 + _COLOUR + 3 + 1)
        self._read_button = mlp(3 + _COLOUR)
        self._read_anchor = mlp(3)
        self._read_goal = mlp(1)
        self._read_moved = mlp(3 + 2 + 1)
        self._read_travel = mlp(1)

    def detect(self, image: tf.Tensor, proprioception: tf.Tensor) -> Detected:
        """Estimate the state in first images.

        Args:
          image: uint8[N, H, W, 3].
          proprioception: [N, P]; of the simulated human only the time, which is last.
        """
        size = self.config.size
        image = _scaled_image(image)
        coarse = self._map(image)
        logits = self._with_hand(coarse, self._detect_logits(coarse))
        found = attention.attend(coarse, logits)
        close = self._fovea(image, found.point)
        average = tf.reduce_mean(coarse, axis=1)
        if self.config.watching:
            where = tf.reshape(found.point, (-1, 2 * (2 * size + 3)))
            view = self._view(tf.concat([where, average], axis=-1))
            proprioception = self._hand_row(close, found, view, proprioception)
        else:
            view = average[:, :0]
        shared = tf.concat([average, _scaled_proprioception(proprioception)], -1)
        inputs = tf.concat(
            [close, found.feature, found.point, _spread(shared, close)], axis=-1
        )

        def read(reader, which, name):
            """Read the things of a slice: positions, and outputs beside these."""
            output = reader(inputs[:, which])
            rough = self._places[name](_powers(view, found.point[:, which]))
            return _PLACE * rough + _NEAR * output[..., :3], output

        place, output = read(self._read_object, slice(0, size), "object")
        objects = tf.concat(
            [
                place,
                output[..., 3:5],
                tf.zeros_like(output[..., :3]),
                tf.ones_like(output[..., :1]),
                output[..., 5:8],
                _SIZE_MEAN + _SIZE_SCALE * output[..., 8:11],
                output[..., 11:],
            ],
            axis=-1,
        )
        place, output = read(self._read_button, slice(size, 2 * size), "button")
        buttons = tf.concat(
            [place, tf.zeros_like(output[..., :1]), output[..., 3:]], axis=-1
        )
        anchor = slice(2 * size, 2 * size + 1)
        anchor = read(self._read_anchor, anchor, "anchor")[0][:, 0, :2]
        goal = self._read_goal(inputs[:, 2 * size + 1 : 2 * size + 2])[:, 0]
        height = tf.fill((tf.shape(image)[0], 1), arena.ANCHOR_HALF_HEIGHT)
        fixtures = tf.concat(
            [anchor, height, _GOAL_MEAN + _GOAL_SCALE * goal, proprioception[:, -1:]],
            axis=-1,
        )
        return Detected(_join(proprioception, objects, buttons, fixtures), found, view)

    def track(
        self,
        image: tf.Tensor,
        proprioception: tf.Tensor,
        first: tf.Tensor,
        view: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, attention.Attended]:
        """Estimate the states in later images of the same episodes.

        Args:
          image: uint8[N, H, W, 3].
          proprioception: [N, P]; of the simulated human only the time, which is last.
          first: [N, S] states of `detect` in the first images.
          view: [N, V] see `Detected`; needed in videos of the simulated human.

        Returns:
          [N, S] states, and the attention to the objects.
        """
        if view is None:
            view = first[:, :0]
        size = self.config.size
        rows = features.split(first, self.layout)
        objects, buttons = rows["objects"], rows["buttons"]
        part = observation.slices(observation.OBJECT)
        place = objects[..., part["position"]]
        known = tf.concat(
            [
                place / _PLACE,
                (place[..., :2] / _PLACE) ** 2,
                objects[..., part["sin_cos_yaw"]],
                objects[..., part["rgb"]],
                (objects[..., part["half_sizes"]] - _SIZE_MEAN) / _SIZE_SCALE,
                objects[..., part["is_box"]],
            ],
            axis=-1,
        )
        image = _scaled_image(image)
        coarse = self._map(image)
        logits = tf.einsum("npc,nec->npe", self._key(coarse), self._query(known))
        found = attention.attend(coarse, self._with_hand(coarse, logits))
        close = self._fovea(image, found.point)
        if self.config.watching:
            proprioception = self._hand_row(close, found, view, proprioception)
        close, point = close[:, :size], found.point[:, :size]
        hand = proprioception[:, None, :3]
        rough = _PLACE * self._places["moved"](_powers(view, point))
        body = _spread(_scaled_proprioception(proprioception), known)
        inputs = (
            *(close, found.feature[:, :size], point, known),
            *((rough - place) / _NEAR, (rough - hand) / _PLACE, body),
        )
        output = self._read_moved(tf.concat(inputs, axis=-1))
        moved = tf.concat(
            [
                rough + _NEAR * output[..., :3],
                objects[..., part["sin_cos_yaw"]] + output[..., 3:5],
                objects[..., part["velocity"]],
                1 + output[..., 5:],
                objects[..., part["rgb"].start :],
            ],
            axis=-1,
        )
        part = observation.slices(observation.BUTTON)
        where = buttons[..., part["position"]]
        near = tf.concat([(where - hand) / _NEAR, body], axis=-1)
        travel = _TRAVEL * self._read_travel(near)
        height = where[..., 2:] - travel
        pressed = tf.concat(
            [where[..., :2], height, travel, buttons[..., part["rgb"]]], axis=-1
        )
        fixtures = tf.concat([rows["fixtures"][:, :-1], proprioception[:, -1:]], -1)
        return _join(proprioception, moved, pressed, fixtures), found

    def _with_hand(self, coarse: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Add a query for the hand, the last, where there is no proprioception."""
        if not self.config.watching:
            return logits
        return tf.concat([logits, self._hand_logits(coarse)], axis=-1)

    def _hand_row(
        self, close, found: attention.Attended, view, proprioception
    ) -> tf.Tensor:
        """Estimate [N, P] the proprioception of a robot in the place of the hand."""
        point = found.point[:, -1]
        output = self._read_hand(
            tf.concat([close[:, -1], found.feature[:, -1], point, view], axis=-1)
        )
        rough = self._places["hand"](_powers(view, point[:, None]))[:, 0]
        position = _PLACE * rough + _NEAR * output[:, :3]
        yaw = tf.atan2(output[:, 3:4], output[:, 4:5])
        unknown = tf.zeros((tf.shape(point)[0], 1 + 3))  # finger command and velocity
        # The setpoint is taken to be where the hand is.
        return tf.concat(
            [
                *(position, output[:, 3:5], position, yaw),
                *(_GAP * output[:, 5:], unknown, proprioception[:, -1:]),
            ],
            axis=-1,
        )

    def watch(self, image: tf.Tensor, proprioception: tf.Tensor) -> Watched:
        """Estimate the states in all images of N episodes.

        Args:
          image: uint8[N, T, H, W, 3].
          proprioception: [N, T, P].
        """
        count, length = tf.unstack(tf.shape(proprioception)[:2])
        size, still = self.config.size, 2 * self.config.size + 2
        detected = self.detect(image[:, 0], proprioception[:, 0])
        state, point = detected.state[:, None], detected.found.point[:, None]
        first = Watched(state, point, _heat(detected.found)[:, None])

        def track_later():
            later, followed = self.track(
                tf.reshape(image[:, 1:], (-1, *image.shape[2:])),
                tf.reshape(proprioception[:, 1:], (-1, proprioception.shape[-1])),
                tf.repeat(detected.state, length - 1, axis=0),
                tf.repeat(detected.view, length - 1, axis=0),
            )

            def after(value, value_before):
                shape = (count, length - 1, *value.shape[1:])
                return tf.concat([value_before, tf.reshape(value, shape)], axis=1)

            moved = after(followed.point[:, :size], point[:, :, :size])
            stays = tf.repeat(point[:, :, size:still], length, axis=1)
            hand = after(followed.point[:, size:], point[:, :, still:])
            return Watched(
                after(later, state),
                tf.concat([moved, stays, hand], axis=2),
                after(_heat(followed), first.heat),
            )

        # TensorFlow's convolutions on CPU fail on no images at all.
        return tf.cond(length > 1, track_later, lambda: first)

    def perceive(
        self, images: Mapping[str, tf.Tensor], proprioception: tf.Tensor
    ) -> tf.Tensor:
        """Estimate all states [N, T, S] of N episodes; see `watch`."""
        return self.watch(images[fields.IMAGE], proprioception).state

    def create(self):
        """Create the variables, before they are restored."""
        side = self.config.pixels
        image = tf.zeros((1, 2, side, side, 3), tf.uint8)
        self.perceive(
            {fields.IMAGE: image}, tf.zeros((1, 2, self.layout.proprioception_size))
        )


def _heat(found: attention.Attended) -> tf.Tensor:
    """[N, h, w] mean over the queries of the attention to each cell."""
    side = round(found.logits.shape[1] ** 0.5)
    share = tf.reduce_mean(tf.nn.softmax(found.logits, axis=1), axis=-1)
    return tf.reshape(share, (-1, side, side))


def _join(proprioception, objects, buttons, fixtures) -> tf.Tensor:
    """[N, S] states of their rows; the time in `fixtures` is that of the body."""
    count = tf.shape(proprioception)[0]
    entities = [
        tf.reshape(rows, (count, rows.shape[1] * rows.shape[2]))
        for rows in (objects, buttons)
    ]
    return tf.concat([proprioception[:, :-1], *entities, fixtures], axis=-1)


def _scaled_image(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image, tf.float32) / 255.0 - 0.5


def _powers(view: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
    """[N, Q, 2] image coordinates with their products, for a perspective, and view."""
    x, y = point[..., :1], point[..., 1:]
    powers = tf.concat([x, y, x * y, x**2, y**2, x * y**2, y**3], axis=-1)
    return tf.concat([powers, _spread(view, powers)], axis=-1)


def _spread(value: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """[N, F] as [N, Q, F] to go with [N, Q, ...]."""
    return tf.repeat(value[:, None], tf.shape(like)[1], axis=1)


def _scaled_proprioception(proprioception: tf.Tensor) -> tf.Tensor:
    """Proprioception of about unit size."""
    # By part of the gripper's row, then the time.
    scales = np.repeat([5.0, 1.0, 5.0, 15.0, 1.0, 2.0], [*observation.GRIPPER.values()])
    return proprioception * tf.constant([*scales, 1.0], tf.float32)
