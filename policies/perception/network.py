"""From pixels to an estimated state vector, with spatial soft-argmax attention.

The first image of an episode is read by learnt queries, one for each place on the
table (`detect`). What was found there, colour, size and place, becomes the query with
which the same things are looked for in every later image (`track`). Both attend with a
softmax over the feature map and read the expected image coordinates (the feature points
of Levine, Finn et al. 2016, "End-to-End Training of Deep Visuomotor Policies") together
with the attended features.

An estimated state has the layout of `wtl.envs.observation`: objects, then buttons, each
from left to right as they were in the first image. Object velocities are not estimated
and stay zero; what belongs to the gripper is felt, not seen.
"""

import tensorflow as tf

from policies import features as features_lib
from policies.legacy_keras import tf_keras
from policies.perception import config as configs
from wtl.envs import arena, observation

layers = tf_keras.layers

_COLOUR = 3
# Typical positions and extents, metres, around which corrections are learnt.
_SCALE = 0.1
_SIZE_MEAN, _SIZE_SCALE = 0.023, 0.01
_GOAL_MEAN, _GOAL_SCALE = 0.45, 0.05


class Perception(tf_keras.Model):
    """See the module."""

    def __init__(self, config: configs.Config):
        """Creates the layers."""
        super().__init__(name="perception")
        self.config = config
        self.layout = observation.Layout(config.size)
        channels, hidden = config.channels, config.hidden

        def conv(size, stride=1, dilation=1):
            return layers.Conv2D(
                channels,
                size,
                stride,
                dilation_rate=dilation,
                padding="same",
                activation="relu",
            )

        def mlp(outputs):
            return tf_keras.Sequential(
                [
                    layers.Dense(hidden, "relu"),
                    layers.Dense(hidden, "relu"),
                    layers.Dense(outputs),
                ]
            )

        self._convolutions = [conv(5, 2), conv(3), conv(3, dilation=2), conv(3)]
        # Objects and buttons by place, anchor, goal band.
        self._detect_logits = layers.Dense(2 * config.size + 2)
        self._read_object = mlp(3 + 2 + _COLOUR + 3 + 1)
        self._read_button = mlp(3 + _COLOUR)
        self._read_anchor = mlp(2)
        self._read_goal = mlp(1)
        self._key = layers.Dense(channels)
        self._query = tf_keras.Sequential(
            [layers.Dense(hidden, "relu"), layers.Dense(channels)]
        )
        self._read_motion = mlp(3 + 2 + 1)
        self._read_travel = mlp(1)

    @property
    def feature_shape(self) -> tuple[int, int, int]:
        """(h, w, D) of the feature map."""
        side = (self.config.pixels + 1) // 2
        return side, side, 4 + _COLOUR + self.config.channels

    def feature_map(self, image: tf.Tensor) -> tf.Tensor:
        """Features [N, h, w, D] of uint8[N, H, W, 3] images.

        Beside what is learnt they hold the colours themselves and the coordinates, with
        squares, so that an inner product can ask for a neighbourhood.
        """
        scaled = tf.cast(image, tf.float32) / 255.0 - 0.5
        hidden = scaled
        for layer in self._convolutions:
            hidden = layer(hidden)
        height, width = hidden.shape[1:3]
        colours = tf.nn.avg_pool2d(scaled, 2, 2, "SAME")
        y, x = tf.meshgrid(
            tf.linspace(-1.0, 1.0, height), tf.linspace(-1.0, 1.0, width), indexing="ij"
        )
        grid = tf.stack([x, y, x**2, y**2], axis=-1)
        grid = tf.broadcast_to(
            grid, tf.concat([tf.shape(hidden)[:1], [height, width, 4]], 0)
        )
        return tf.concat([grid, colours, hidden], axis=-1)

    def detect(
        self, features: tf.Tensor, felt: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimates the state shown by first images.

        Args:
          features: [N, h, w, D] of the first images.
          felt: [N, P] proprioception.

        Returns:
          [N, S] states, and the logits [N, h w, Q] of where objects, buttons, anchor
          and goal band were looked for.
        """
        size = self.config.size
        flat = _flat(features)
        logits = self._detect_logits(flat)
        attended = _attend(logits, flat)  # [N, Q, D]
        shared = tf.concat([tf.reduce_mean(flat, axis=1), _scaled(felt)], axis=-1)

        def read(reader, which):
            query = attended[:, which]
            return reader(tf.concat([query, _spread(shared, query)], axis=-1))

        found = read(self._read_object, slice(0, size))
        objects = tf.concat(
            [
                _SCALE * found[..., :3],
                found[..., 3:5],
                tf.zeros_like(found[..., :3]),
                tf.ones_like(found[..., :1]),
                found[..., 5:8],
                _SIZE_MEAN + _SIZE_SCALE * found[..., 8:11],
                found[..., 11:],
            ],
            axis=-1,
        )
        found = read(self._read_button, slice(size, 2 * size))
        buttons = tf.concat(
            [_SCALE * found[..., :3], tf.zeros_like(found[..., :1]), found[..., 3:]],
            axis=-1,
        )
        anchor = _SCALE * read(self._read_anchor, slice(2 * size, 2 * size + 1))[:, 0]
        goal = read(self._read_goal, slice(2 * size + 1, None))[:, 0]
        height = tf.fill((tf.shape(felt)[0], 1), arena.ANCHOR_HALF_HEIGHT)
        fixtures = tf.concat(
            [anchor, height, _GOAL_MEAN + _GOAL_SCALE * goal, felt[:, -1:]], axis=-1
        )
        return self._join(felt, objects, buttons, fixtures), logits

    def track(
        self, features: tf.Tensor, felt: tf.Tensor, first: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimates the states shown by later images of the same episodes.

        Args:
          features: [N, h, w, D] of the images.
          felt: [N, P] proprioception.
          first: [N, S] what `detect` found in the first images.

        Returns:
          [N, S] states, and the logits [N, h w, n] of where objects were looked for.
        """
        rows = features_lib.split(first, self.layout)
        objects, buttons = rows["objects"], rows["buttons"]
        part = observation.slices(observation.OBJECT)
        place = objects[..., part["position"]]
        known = tf.concat(
            [
                place / _SCALE,
                objects[..., part["sin_cos_yaw"]],
                objects[..., part["rgb"]],
                (objects[..., part["half_sizes"]] - _SIZE_MEAN) / _SIZE_SCALE,
                objects[..., part["is_box"]],
            ],
            axis=-1,
        )
        flat = _flat(features)
        logits = tf.einsum("npc,nec->npe", self._key(flat), self._query(known))
        attended = _attend(logits, flat)
        felt_features = _scaled(felt)
        hand = felt[:, None, :3]
        seen = tf.concat(
            [attended, known, (place - hand) / _SCALE, _spread(felt_features, known)],
            axis=-1,
        )
        found = self._read_motion(seen)
        moved = tf.concat(
            [
                place + _SCALE * found[..., :3],
                objects[..., part["sin_cos_yaw"]] + found[..., 3:5],
                objects[..., part["velocity"]],
                1 + found[..., 5:],
                objects[..., part["rgb"].start :],
            ],
            axis=-1,
        )
        part = observation.slices(observation.BUTTON)
        where = buttons[..., part["position"]]
        near = tf.concat(
            [(where - hand) / _SCALE, _spread(felt_features, where)], axis=-1
        )
        travel = 0.01 * self._read_travel(near)
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
        return self._join(felt, moved, pressed, fixtures), logits

    def perceive(self, image: tf.Tensor, felt: tf.Tensor) -> tf.Tensor:
        """Estimates all states of N episodes.

        Args:
          image: uint8[N, T, H, W, 3].
          felt: [N, T, P] proprioception.

        Returns:
          [N, T, S] states.
        """
        count, length = tf.unstack(tf.shape(felt)[:2])
        first, _ = self.detect(self.feature_map(image[:, 0]), felt[:, 0])
        later, _ = self.track(
            self.feature_map(tf.reshape(image[:, 1:], (-1, *image.shape[2:]))),
            tf.reshape(felt[:, 1:], (-1, felt.shape[-1])),
            tf.repeat(first, length - 1, axis=0),
        )
        later = tf.reshape(later, (count, length - 1, self.layout.state_size))
        return tf.concat([first[:, None], later], axis=1)

    def create(self):
        """Creates the variables, before they are restored."""
        side = self.config.pixels
        image = tf.zeros((1, 2, side, side, 3), tf.uint8)
        self.perceive(image, tf.zeros((1, 2, self.layout.proprioception_size)))

    def _join(self, felt, objects, buttons, fixtures) -> tf.Tensor:
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


def _flat(features: tf.Tensor) -> tf.Tensor:
    """[N, h, w, D] as [N, h w, D]."""
    height, width, depth = features.shape[1:]
    return tf.reshape(features, (-1, height * width, depth))


def _attend(logits: tf.Tensor, flat: tf.Tensor) -> tf.Tensor:
    """Expected features [N, Q, D] under a softmax of [N, h w, Q] over the image."""
    return tf.einsum("npq,npd->nqd", tf.nn.softmax(logits, axis=1), flat)


def _spread(value: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """[N, F] as [N, Q, F] to go with [N, Q, ...]."""
    count = tf.shape(like)[1]
    return tf.repeat(value[:, None], count, axis=1)


def _scaled(felt: tf.Tensor) -> tf.Tensor:
    """Proprioception of about unit size."""
    part = observation.slices(observation.GRIPPER)
    scale = tf.concat(
        [
            tf.fill((part[name].stop - part[name].start,), value)
            for name, value in (
                ("position", 5.0),
                ("sin_cos_yaw", 1.0),
                ("setpoint", 5.0),
                ("gap", 15.0),
                ("finger_command", 1.0),
                ("velocity", 2.0),
            )
        ]
        + [[1.0]],
        axis=0,
    )
    return felt * scale
