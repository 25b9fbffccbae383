"""Heads over actions: loss of an action, and action taken, given an actor.

A head has no weights. Its actor predicts at N states, given the inputs of the head, so
that a head may ask several times. An action is a chunk of consecutive actions where the
configuration says so, see `Interface.chunk`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from wtl.policies.heads import FLOW, MEAN, MIXTURE, TWO_STEP
from wtl.policies.heads.config import HeadConfig
from wtl.policies.heads.density import MeanHead, MixtureHead
from wtl.policies.heads.flow import FlowHead
from wtl.policies.heads.two_step import TwoStepHead
from wtl.policies.legacy_keras import tf_keras

_HEADS = {
    MIXTURE: MixtureHead,
    MEAN: MeanHead,
    TWO_STEP: TwoStepHead,
    FLOW: FlowHead,
}


class Actor(NamedTuple):
    """Actor at N states.

    Attributes:
      predict: maps inputs of the head [N, X], or None if it has none, to its
        prediction, see `Head.read`.
      scale: [N, D] factor of all predicted actions; None for 1.
    """

    predict: Callable[[tf.Tensor | None], Any]
    scale: tf.Tensor | None = None

    def scaled(self, action: tf.Tensor) -> tf.Tensor:
        """Return the actions of predicted [N, D]."""
        return action if self.scale is None else action * self.scale

    def unscaled(self, action: tf.Tensor) -> tf.Tensor:
        """Return what is predicted for actions [N, D]."""
        return action if self.scale is None else action / self.scale


class Head(Protocol):
    """Head over actions of D numbers.

    Attributes:
      inputs: X, numbers that it gives to the actor beside the state.
      outputs: O, numbers that it needs of the actor.
    """

    inputs: int
    outputs: int

    def layer(self) -> tf_keras.layers.Layer:
        """Return a new output layer: features [N, H] -> prediction."""

    def read(self, values: tf.Tensor) -> Any:
        """Return the prediction of numbers [..., O] of an actor with its own layers."""

    def loss(
        self,
        actor: Actor,
        action: tf.Tensor,
        log_sigma_floor: tf.Tensor | float,
        together: tf.Tensor | int = 1,
        copies: tf.Tensor | int = 1,
    ) -> tf.Tensor:
        """Return losses [N / together] per number of actions [N, D].

        Args:
          actor: actor.
          action: actions.
          log_sigma_floor: of a mixture.
          together: number of consecutive actions of one component of a mixture.
          copies: number of equal parts of the batch, such as one for each row of a
            scene, which get the same noise: so their losses can be compared.
        """

    def act(self, actor: Actor, step: tf.Tensor) -> tf.Tensor:
        """Return the actions [N, D] taken at timesteps [N], deterministically."""


def head(config: HeadConfig) -> Head:
    """Return the head of a configuration."""
    return _HEADS[config.head](config.chunk_size, config.components)
