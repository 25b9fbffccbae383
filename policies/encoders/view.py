"""How networks that learn from trials look at a world.

The algorithms know observations as vectors; what is in them is known here alone.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.encoders import episode
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_HIDDEN = 64  # units per entity, or per transition
_FRAMES = 20  # of a trial that is looked at as a whole


@dataclasses.dataclass(frozen=True)
class View:
    """Sizes of a world, and makers of the layers that look at it.

    Attributes:
      observation_size: S.
      action_size: A.
      body: makes a layer (observation [N, S], side [N, X]) -> [N, H], the first of a
        network that acts or values; `side` is whatever else it is to know.
      evidence: makes a layer (observation [N, T + 1, S], action [N, T, A],
        felt [N, T]) -> [N, F, H], the F pieces of evidence that a trial amounts to.
    """

    observation_size: int
    action_size: int
    body: Callable[[], layers.Layer]
    evidence: Callable[[], layers.Layer]


def flat_view(observation_size: int, action_size: int) -> View:
    """Observations as they are; each transition of a trial is evidence."""
    return View(observation_size, action_size, _FlatBody, _TransitionEvidence)


def entity_view(layout: Layout, action_size: int) -> View:
    """A simulated world as entities, whose order does not matter.

    A trial as a whole is one piece of evidence: its success is felt at the end, and
    what it was for shows over time.
    """
    return View(
        layout.state_size,
        action_size,
        lambda: _EntityBody(layout),
        lambda: _TrialEvidence(layout),
    )


class _FlatBody(layers.Layer):
    def call(self, observation: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        return tf.concat([observation, side], axis=-1)


class _TransitionEvidence(layers.Layer):
    def __init__(self):
        super().__init__()
        self._layers = [layers.Dense(_HIDDEN, "relu") for _ in range(2)]

    def call(
        self, observation: tf.Tensor, action: tf.Tensor, felt: tf.Tensor
    ) -> tf.Tensor:
        hidden = tf.concat(
            [observation[:, :-1], action, felt[..., None], observation[:, 1:]], axis=-1
        )
        for layer in self._layers:
            hidden = layer(hidden)
        return hidden


class _EntityBody(layers.Layer):
    """Attends to one entity in the light of `side`, with an eye on the others."""

    def __init__(self, layout: Layout):
        super().__init__()
        self._layout = layout
        self._of_entity = layers.Dense(_HIDDEN)
        self._of_scene = layers.Dense(_HIDDEN)
        self._second = layers.Dense(_HIDDEN, "relu")
        self._score = layers.Dense(1)

    def call(self, observation: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        rows = features.split(observation, self._layout)
        world = self._layout.features
        relations = world.relations(rows, world.entities(rows))
        scene = tf.concat([world.body(rows), side], axis=-1)
        # The sum is a layer on both, without repeating the scene for each entity.
        hidden = self._of_entity(relations) + self._of_scene(scene)[:, None]
        hidden = self._second(tf.nn.relu(hidden))
        weights = tf.nn.softmax(self._score(hidden), axis=1)
        return tf.concat(
            [
                scene,
                tf.reduce_sum(weights * relations, axis=1),
                tf.reduce_sum(weights * hidden, axis=1),
                tf.reduce_mean(hidden, axis=1),
            ],
            axis=-1,
        )


class _TrialEvidence(layers.Layer):
    """Which entity a trial acted on, how, and whether that was right."""

    def __init__(self, layout: Layout):
        super().__init__()
        self._encoder = episode.EpisodeEncoder(layout, _HIDDEN, "trial")

    def call(
        self, observation: tf.Tensor, action: tf.Tensor, felt: tf.Tensor
    ) -> tf.Tensor:
        horizon = action.shape[1]
        frames = [round(i * horizon / (_FRAMES - 1)) for i in range(_FRAMES)]
        acts = [min(frame, horizon - 1) for frame in frames]
        success = 2 * tf.reduce_sum(felt, axis=1) - 1
        code = self._encoder(
            tf.gather(observation, frames, axis=1),
            tf.gather(action, acts, axis=1),
            success,
        )
        known = [code.embedding, code.attributes, 5 * code.place[:, None]]
        return tf.concat([*known, success[:, None]], axis=-1)[:, None]
