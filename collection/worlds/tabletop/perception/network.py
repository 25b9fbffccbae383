"""From pixels to an estimated state vector: look for things, then look closely.

The first image of an episode is searched with learnt queries, one for each place on the
table (`detect`). What was found there, colour, size and place, becomes the query with
which the same things are looked for in every later image (`track`). Around each point
found, a crop of the image is looked at closely.

An estimated state has the layout of `tabletop.observation`: objects, then buttons, each
from left to right as they were in the first image. Object velocities are not estimated
and stay zero; what belongs to the gripper is felt, not seen.

In videos of somebody else (`PerceptionConfig.watching`) there is no proprioception: the
hand is one more thing to detect, and takes the place of the gripper. The camera differs
from video to video, so detections in the first image are kept as the view, by which
image coordinates become places on the table.
"""

from typing import NamedTuple

import tensorflow as tf

from wtl.collection.worlds.tabletop import arena, observation
from wtl.collection.worlds.tabletop.perception import attention
from wtl.collection.worlds.tabletop.perception import config as configs
from wtl.collection.worlds.tabletop.perception import fovea as foveas
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
    """What the first images of N episodes show.

    Attributes:
      state: [N, S] estimated states.
      found: where objects, buttons, anchor, goal band and, if it is somebody else's,
        the hand were found.
      view: [N, V] from where they are seen; V is 0 where that is always the same.
    """

    state: tf.Tensor
    found: attention.Attended
    view: tf.Tensor


class Watched(NamedTuple):
    """What was seen in N episodes of T images, and where.

    Attributes:
      state: [N, T, S] estimated states.
      point: [N, T, Q, 2] image coordinates in [-1, 1] where objects, buttons, anchor,
        goal band and, if it is somebody else's, the hand were found. What is looked for
        in first images alone stays.
      heat: [N, T, h, w] shares of the attention that cells of the map got, 1 in all.
    """

    state: tf.Tensor
    point: tf.Tensor
    heat: tf.Tensor


class Perception(tf_keras.Model):
    """See the module."""

    def __init__(self, config: configs.PerceptionConfig):
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

    def detect(self, image: tf.Tensor, felt: tf.Tensor) -> Detected:
        """Estimates the state shown by first images.

        Args:
          image: uint8[N, H, W, 3].
          felt: [N, P] proprioception; of somebody else's only the time, which is last.
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
            felt = self._see_hand(close, found, view, felt)
        else:
            view = average[:, :0]
        shared = tf.concat([average, _scaled_felt(felt)], -1)
        seen = tf.concat(
            [close, found.feature, found.point, _spread(shared, close)], axis=-1
        )

        def read(reader, which):
            return reader(seen[:, which])

        def place(name, told, which):
            rough = self._places[name](_seen_from(view, found.point[:, which]))
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
        goal = read(self._read_goal, slice(2 * size + 1, 2 * size + 2))[:, 0]
        height = tf.fill((tf.shape(felt)[0], 1), arena.ANCHOR_HALF_HEIGHT)
        fixtures = tf.concat(
            [anchor, height, _GOAL_MEAN + _GOAL_SCALE * goal, felt[:, -1:]], axis=-1
        )
        return Detected(_join(felt, objects, buttons, fixtures), found, view)

    def track(
        self,
        image: tf.Tensor,
        felt: tf.Tensor,
        first: tf.Tensor,
        view: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, attention.Attended]:
        """Estimates the states shown by later images of the same episodes.

        Args:
          image: uint8[N, H, W, 3].
          felt: [N, P] proprioception; of somebody else's only the time, which is last.
          first: [N, S] what `detect` found in the first images.
          view: [N, V] from where, see `Detected`; needed in videos of somebody else.

        Returns:
          [N, S] states, and where the objects were found.
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
            felt = self._see_hand(close, found, view, felt)
        close, point = close[:, :size], found.point[:, :size]
        hand = felt[:, None, :3]
        rough = _PLACE * self._places["moved"](_seen_from(view, point))
        self_felt = _spread(_scaled_felt(felt), known)
        told = self._read_moved(
            tf.concat(
                [
                    close,
                    found.feature[:, :size],
                    point,
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

    def _with_hand(self, coarse: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Adds a query for the hand, the last, where it can't be felt."""
        if not self.config.watching:
            return logits
        return tf.concat([logits, self._hand_logits(coarse)], axis=-1)

    def _see_hand(self, close, found: attention.Attended, view, felt) -> tf.Tensor:
        """[N, P] what could be felt were the hand one's own, as far as it is seen."""
        point = found.point[:, -1]
        told = self._read_hand(
            tf.concat([close[:, -1], found.feature[:, -1], point, view], axis=-1)
        )
        rough = self._places["hand"](_seen_from(view, point[:, None]))[:, 0]
        position = _PLACE * rough + _NEAR * told[:, :3]
        sin_cos_yaw = told[:, 3:5]
        yaw = tf.atan2(told[:, 3:4], told[:, 4:5])
        # Nothing is known of its setpoint but that it is about there.
        unseen = tf.zeros((tf.shape(felt)[0], 1 + 3))
        return tf.concat(
            [
                position,
                sin_cos_yaw,
                position,
                yaw,
                _GAP * told[:, 5:],
                unseen,
                felt[:, -1:],
            ],
            axis=-1,
        )

    def watch(self, image: tf.Tensor, felt: tf.Tensor) -> Watched:
        """Looks at all images of N episodes.

        Args:
          image: uint8[N, T, H, W, 3].
          felt: [N, T, P] proprioception.
        """
        count, length = tf.unstack(tf.shape(felt)[:2])
        size, still = self.config.size, 2 * self.config.size + 2
        detected = self.detect(image[:, 0], felt[:, 0])
        state, point = detected.state[:, None], detected.found.point[:, None]
        first = Watched(state, point, _heat(detected.found)[:, None])

        def track_later():
            later, followed = self.track(
                tf.reshape(image[:, 1:], (-1, *image.shape[2:])),
                tf.reshape(felt[:, 1:], (-1, felt.shape[-1])),
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


def _seen_from(view: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
    """[N, Q, 2] image coordinates with their products, for a perspective, and view."""
    x, y = point[..., :1], point[..., 1:]
    powers = tf.concat([x, y, x * y, x**2, y**2, x * y**2, y**3], axis=-1)
    return tf.concat([powers, _spread(view, powers)], axis=-1)


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
