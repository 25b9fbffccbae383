"""From pixels to an estimated state vector: look for things, then look closely.

The first image of an episode is searched with learnt queries, one for each place on the
table (`detect`). What was found there, colour, size and place, becomes the query with
which the same things are looked for in every later image (`track`). Around each point
found, a crop of the image is looked at closely.

An estimated state has the layout of `wtl.envs.observation`: objects, then buttons, each
from left to right as they were in the first image. Object velocities are not estimated
and stay zero; what belongs to the gripper is felt, not seen.
"""

from typing import NamedTuple

import tensorflow as tf

from policies import features
from policies.legacy_keras import tf_keras
from policies.perception import attention
from policies.perception import config as configs
from policies.perception import fovea as foveas
from wtl.envs import arena, observation

layers = tf_keras.layers

_COLOUR = 3
_PLACE = 0.1  # metres; scale of places
_NEAR = 0.02  # metres; scale of corrections to them
_SIZE_MEAN, _SIZE_SCALE = 0.023, 0.01  # metres
_GOAL_MEAN, _GOAL_SCALE = 0.45, 0.05  # metres
_TRAVEL = 0.01  # metres


class Watched(NamedTuple):
    """What was seen in N episodes of T images, and where.

    Attributes:
      state: [N, T, S] estimated states.
      point: [N, T, Q, 2] image coordinates in [-1, 1] where objects, buttons, anchor
        and goal band were found. What is looked for in first images alone stays.
      heat: [N, T, h, w] shares of the attention that cells of the map got, 1 in all.
    """

    state: tf.Tensor
    point: tf.Tensor
    heat: tf.Tensor


class Perception(tf_keras.Model):
    """See the module."""

    def __init__(self, config: configs.Config):
        """Creates the layers."""
        super().__init__(name="perception")
        self.config = config
        self.layout = observation.Layout(config.size)
        hidden = config.hidden

        def mlp(outputs):
            return tf_keras.Sequential(
                [
                    layers.Dense(hidden, "relu"),
                    layers.Dense(hidden, "relu"),
                    layers.Dense(outputs),
                ]
            )

        self._map = attention.CoarseMap(config.channels)
        self._fovea = foveas.Fovea(config.pixels, config.fovea, config.close)
        # Objects and buttons by place, anchor, goal band.
        self._detect_logits = layers.Dense(2 * config.size + 2)
        self._key = layers.Dense(config.channels)
        self._query = tf_keras.Sequential(
            [layers.Dense(hidden, "relu"), layers.Dense(config.channels)]
        )
        self._places = {
            name: layers.Dense(3) for name in ("object", "button", "anchor", "moved")
        }
        self._read_object = mlp(3 + 2 + _COLOUR + 3 + 1)
        self._read_button = mlp(3 + _COLOUR)
        self._read_anchor = mlp(3)
        self._read_goal = mlp(1)
        self._read_moved = mlp(3 + 2 + 1)
        self._read_travel = mlp(1)

    def detect(
        self, image: tf.Tensor, felt: tf.Tensor
    ) -> tuple[tf.Tensor, attention.Attended]:
        """Estimates the state shown by first images.

        Args:
          image: uint8[N, H, W, 3].
          felt: [N, P] proprioception.

        Returns:
          [N, S] states, and where objects, buttons, anchor and goal band were found.
        """
        size = self.config.size
        image = _scaled_image(image)
        coarse = self._map(image)
        found = attention.attend(coarse, self._detect_logits(coarse))
        close = self._fovea(image, found.point)
        shared = tf.concat([tf.reduce_mean(coarse, axis=1), _scaled_felt(felt)], -1)
        seen = tf.concat(
            [close, found.feature, found.point, _spread(shared, close)], axis=-1
        )

        def read(reader, which):
            return reader(seen[:, which])

        def place(name, told, which):
            rough = self._places[name](_powers(found.point[:, which]))
            return _PLACE * rough + _NEAR * told[..., :3]

        which = slice(0, size)
        told = read(self._read_object, which)
        objects = tf.concat(
            [
                place("object", told, which),
                told[..., 3:5],
                tf.zeros_like(told[..., :3]),
                tf.ones_like(told[..., :1]),
                told[..., 5:8],
                _SIZE_MEAN + _SIZE_SCALE * told[..., 8:11],
                told[..., 11:],
            ],
            axis=-1,
        )
        which = slice(size, 2 * size)
        told = read(self._read_button, which)
        buttons = tf.concat(
            [place("button", told, which), tf.zeros_like(told[..., :1]), told[..., 3:]],
            axis=-1,
        )
        which = slice(2 * size, 2 * size + 1)
        anchor = place("anchor", read(self._read_anchor, which), which)[:, 0, :2]
        goal = read(self._read_goal, slice(2 * size + 1, None))[:, 0]
        height = tf.fill((tf.shape(felt)[0], 1), arena.ANCHOR_HALF_HEIGHT)
        fixtures = tf.concat(
            [anchor, height, _GOAL_MEAN + _GOAL_SCALE * goal, felt[:, -1:]], axis=-1
        )
        return _join(felt, objects, buttons, fixtures), found

    def track(
        self, image: tf.Tensor, felt: tf.Tensor, first: tf.Tensor
    ) -> tuple[tf.Tensor, attention.Attended]:
        """Estimates the states shown by later images of the same episodes.

        Args:
          image: uint8[N, H, W, 3].
          felt: [N, P] proprioception.
          first: [N, S] what `detect` found in the first images.

        Returns:
          [N, S] states, and where the objects were found.
        """
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
        found = attention.attend(coarse, logits)
        close = self._fovea(image, found.point)
        hand = felt[:, None, :3]
        rough = _PLACE * self._places["moved"](_powers(found.point))
        self_felt = _spread(_scaled_felt(felt), known)
        told = self._read_moved(
            tf.concat(
                [
                    close,
                    found.feature,
                    found.point,
                    known,
                    (rough - place) / _NEAR,
                    (rough - hand) / _PLACE,
                    self_felt,
                ],
                axis=-1,
            )
        )
        moved = tf.concat(
            [
                rough + _NEAR * told[..., :3],
                objects[..., part["sin_cos_yaw"]] + told[..., 3:5],
                objects[..., part["velocity"]],
                1 + told[..., 5:],
                objects[..., part["rgb"].start :],
            ],
            axis=-1,
        )
        part = observation.slices(observation.BUTTON)
        where = buttons[..., part["position"]]
        near = tf.concat([(where - hand) / _NEAR, self_felt], axis=-1)
        travel = _TRAVEL * self._read_travel(near)
        pressed = tf.concat(
            [
                where[..., :2],
                where[..., 2:] - travel,
                travel,
                buttons[..., part["rgb"]],
            ],
            axis=-1,
        )
        fixtures = tf.concat([rows["fixtures"][:, :-1], felt[:, -1:]], axis=-1)
        return _join(felt, moved, pressed, fixtures), found

    def watch(self, image: tf.Tensor, felt: tf.Tensor) -> Watched:
        """Looks at all images of N episodes.

        Args:
          image: uint8[N, T, H, W, 3].
          felt: [N, T, P] proprioception.
        """
        count, length = tf.unstack(tf.shape(felt)[:2])
        size = self.config.size
        state, found = self.detect(image[:, 0], felt[:, 0])
        first = Watched(state[:, None], found.point[:, None], _heat(found)[:, None])

        def track_later():
            state, followed = self.track(
                tf.reshape(image[:, 1:], (-1, *image.shape[2:])),
                tf.reshape(felt[:, 1:], (-1, felt.shape[-1])),
                tf.repeat(first.state[:, 0], length - 1, axis=0),
            )

            def after(value, value_before):
                shape = (count, length - 1, *value.shape[1:])
                return tf.concat([value_before, tf.reshape(value, shape)], axis=1)

            point = after(followed.point, first.point[:, :, :size])
            still = tf.repeat(first.point[:, :, size:], length, axis=1)
            return Watched(
                after(state, first.state),
                tf.concat([point, still], axis=2),
                after(_heat(followed), first.heat),
            )

        # TensorFlow's convolutions on CPU fail on no images at all.
        return tf.cond(length > 1, track_later, lambda: first)

    def perceive(self, image: tf.Tensor, felt: tf.Tensor) -> tf.Tensor:
        """Estimates all states [N, T, S] of N episodes; see `watch`."""
        return self.watch(image, felt).state

    def create(self):
        """Creates the variables, before they are restored."""
        side = self.config.pixels
        image = tf.zeros((1, 2, side, side, 3), tf.uint8)
        self.perceive(image, tf.zeros((1, 2, self.layout.proprioception_size)))


def _heat(found: attention.Attended) -> tf.Tensor:
    """[N, h, w] mean over what was looked for of the attention to each cell."""
    side = round(found.logits.shape[1] ** 0.5)
    share = tf.reduce_mean(tf.nn.softmax(found.logits, axis=1), axis=-1)
    return tf.reshape(share, (-1, side, side))


def _join(felt, objects, buttons, fixtures) -> tf.Tensor:
    count = tf.shape(felt)[0]
    return tf.concat(
        [
            felt[:, :-1],
            tf.reshape(objects, (count, objects.shape[1] * objects.shape[2])),
            tf.reshape(buttons, (count, buttons.shape[1] * buttons.shape[2])),
            fixtures,
        ],
        axis=-1,
    )


def _scaled_image(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image, tf.float32) / 255.0 - 0.5


def _powers(point: tf.Tensor) -> tf.Tensor:
    """[..., 2] image coordinates with their products, for a view in perspective."""
    x, y = point[..., :1], point[..., 1:]
    return tf.concat([x, y, x * y, x**2, y**2, x * y**2, y**3], axis=-1)


def _spread(value: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """[N, F] as [N, Q, F] to go with [N, Q, ...]."""
    return tf.repeat(value[:, None], tf.shape(like)[1], axis=1)


def _scaled_felt(felt: tf.Tensor) -> tf.Tensor:
    """Proprioception of about unit size."""
    scales = {
        "position": 5.0,
        "sin_cos_yaw": 1.0,
        "setpoint": 5.0,
        "gap": 15.0,
        "finger_command": 1.0,
        "velocity": 2.0,
    }
    values = [
        scales[name]
        for name, width in observation.GRIPPER.items()
        for _ in range(width)
    ]
    return felt * tf.constant([*values, 1.0])
