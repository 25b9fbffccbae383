"""Input layers of networks that learn from trials, of flat and entity observations."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.encoders import episode
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_HIDDEN = 64  # units per entity, or per transition
_FRAMES = 20  # of a trial that is encoded as a whole


@dataclasses.dataclass(frozen=True)
class View:
    """Sizes of a world's observations and actions, and factories of input layers.

    Attributes:
      observation_size: S.
      action_size: A.
      body: makes a layer (observation [N, S], side [N, X]) -> [N, H], the first of an
        actor or a critic; `side` are its further inputs.
      evidence: makes a layer (observation [N, T + 1, S], action [N, T, A],
        observed reward [N, T]) -> [N, F, H], F pieces of evidence of a trial.
    """

    observation_size: int
    action_size: int
    body: Callable[[], layers.Layer]
    evidence: Callable[[], layers.Layer]


class Trunk(layers.Layer):
    """First layers of an actor or a critic: the body of a view, then dense layers."""

    def __init__(self, view: View, hidden: tuple[int, ...], activation: str):
        super().__init__()
        self._body = view.body()
        self._layers = [layers.Dense(units, activation) for units in hidden]

    def call(self, observation: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        """Return features [N, H]; arguments are those of `View.body`."""
        hidden = self._body(observation, side)
        for layer in self._layers:
            hidden = layer(hidden)
        return hidden


def flat_view(observation_size: int, action_size: int) -> View:
    """Return the view of vectors, where each transition of a trial is evidence."""
    return View(observation_size, action_size, _FlatBody, _TransitionEvidence)


def entity_view(layout: Layout, action_size: int) -> View:
    """Return the view of entities, whose order does not matter.

    A trial is one piece of evidence: its reward is observed at the end only.
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
        self, observation: tf.Tensor, action: tf.Tensor, observed_reward: tf.Tensor
    ) -> tf.Tensor:
        hidden = tf.concat(
            [
                observation[:, :-1],
                action,
                observed_reward[..., None],
                observation[:, 1:],
            ],
            axis=-1,
        )
        for layer in self._layers:
            hidden = layer(hidden)
        return hidden


class _EntityBody(layers.Layer):
    """Attends to one entity given `side`, and pools the others."""

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
        # The sum is a dense layer on both, without repeating the scene per entity.
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
    """Encodes the entity acted on in a trial, the motion, and the success."""

    def __init__(self, layout: Layout):
        super().__init__()
        self._encoder = episode.EpisodeEncoder(layout, _HIDDEN, "trial")

    def call(
        self, observation: tf.Tensor, action: tf.Tensor, observed_reward: tf.Tensor
    ) -> tf.Tensor:
        horizon = action.shape[1]
        frames = [round(i * horizon / (_FRAMES - 1)) for i in range(_FRAMES)]
        acts = [min(frame, horizon - 1) for frame in frames]
        success = 2 * tf.reduce_sum(observed_reward, axis=1) - 1
        code = self._encoder(
            tf.gather(observation, frames, axis=1),
            tf.gather(action, acts, axis=1),
            success,
        )
        known = [code.embedding, code.attributes, 5 * code.place[:, None]]
        return tf.concat([*known, success[:, None]], axis=-1)[:, None]
