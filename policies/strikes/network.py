"""Networks of latent strikes: generative model, and outcomes given trials."""

from typing import NamedTuple

import tensorflow as tf

from wtl.datasets.contract.errors import UserError
from wtl.policies.encoders.view import View
from wtl.policies.heads.diagonal_gaussian import DiagonalGaussian
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.planner import optimiser
from wtl.policies.planner.config import PlannerConfig
from wtl.policies.strikes.config import StrikesConfig
from wtl.policies.strikes.generator import StrikeGenerator
from wtl.policies.strikes.view import StrikeView

layers = tf_keras.layers

_LOG_SIGMA = (-6.0, 2.0)  # of a predicted displacement, log metres


class Evidence(NamedTuple):
    """Evidence of the dynamics of B pucks: K trials each, or hidden dynamics.

    Attributes:
      start: [B, K, D].
      latent: [B, K, Z].
      motion: [B, K, M].
      valid: [B, K] 1 where there is a trial.
      hidden: [B, H] hidden dynamics.
      given: [B] 1 where these are given, and trials are not.
    """

    start: tf.Tensor
    latent: tf.Tensor
    motion: tf.Tensor
    valid: tf.Tensor
    hidden: tf.Tensor
    given: tf.Tensor


class StrikesNetwork(tf_keras.Model):
    """Proposes strikes of pucks by their latents.

    Attributes:
      view: observations and commands.
      config: hyper-parameters.
      generator: latents and starts -> commands.
    """

    def __init__(self, view: View, config: StrikesConfig):
        """Create the networks.

        Raises:
          UserError: if trials in the world are no strikes.
        """
        super().__init__(name="strikes")
        if not isinstance(view, StrikeView):
            raise UserError(
                "latent strikes need a world of strikes; set meta_rl.world = 'strikes'"
            )
        self.view, self.config = view, config
        shape = view.commands, view.action_size
        self.generator = StrikeGenerator(shape, config.latent, config.hidden // 2)
        self._trial = _dense(config.hidden, config.hidden)
        self._trial.append(layers.Dense(config.context))
        self._dynamics = _dense(config.hidden)
        self._dynamics.append(layers.Dense(config.context))
        self._outcome = _dense(*3 * (config.hidden,))
        self._outcome.append(layers.Dense(4))
        self._scales = {
            name: tuple(
                self.add_weight(f"{name}_{part}", (size,), trainable=False)
                for part in ("mean", "deviation")
            )
            for name, size in (("start", view.start_size), ("hidden", view.hidden))
        }
        self._planner = PlannerConfig(
            candidates=config.candidates, iterations=config.iterations, horizon=1
        )
        self._create_variables()

    def _create_variables(self):
        """Call all layers once, so that checkpoints can be restored."""
        view, latent = self.view, tf.zeros((1, self.config.latent))
        start = tf.zeros((1, view.start_size))
        commands = self.decode(latent, start)
        self.generator.losses_of(commands, start, latent)
        sizes = (view.start_size, self.config.latent, view.motion_size)
        trials = (tf.zeros((1, 1, size)) for size in sizes)
        dynamics = tf.zeros((1, view.hidden)), tf.zeros(1)
        context = self.context(Evidence(*trials, tf.zeros((1, 1)), *dynamics))
        self.outcome(context, start, latent)

    def standardise(self, start: tf.Tensor, hidden: tf.Tensor):
        """Fit the scales of starts [N, D] and hidden dynamics [N, H] to examples."""
        for name, given in (("start", start), ("hidden", hidden)):
            mean, deviation = self._scales[name]
            mean.assign(tf.reduce_mean(given, axis=0))
            deviation.assign(tf.math.reduce_std(given, axis=0) + 1e-3)

    @property
    def outcome_variables(self) -> list[tf.Variable]:
        """Variables of the model of outcomes."""
        parts = (*self._trial, *self._dynamics, *self._outcome)
        return [each for layer in parts for each in layer.trainable_variables]

    def scaled(self, name: str, given: tf.Tensor) -> tf.Tensor:
        """Return starts or hidden dynamics [..., D] in standard deviations."""
        mean, deviation = self._scales[name]
        return (given - mean) / deviation

    def decode(self, latent: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
        """Return the commands [B, C, A] of latents [B, Z] at starts [B, D]."""
        return self.generator.decode(latent, self.scaled("start", start))

    def context(self, evidence: Evidence) -> tf.Tensor:
        """Return an encoding [B, X] of evidence, in whatever order trials are."""
        start = self.scaled("start", evidence.start)
        trials = tf.concat([start, evidence.latent, 2 * evidence.motion], axis=-1)
        dynamics = self.scaled("hidden", evidence.hidden)
        for layer in self._trial:
            trials = layer(trials)
        for layer in self._dynamics:
            dynamics = layer(dynamics)
        count = tf.reduce_sum(evidence.valid, axis=1, keepdims=True)
        pooled = tf.reduce_sum(trials * evidence.valid[..., None], axis=1)
        pooled = pooled / tf.maximum(count, 1) + dynamics * evidence.given[:, None]
        return tf.concat([pooled, count / 4, evidence.given[:, None]], axis=-1)

    def outcome(
        self, context: tf.Tensor, start: tf.Tensor, latent: tf.Tensor
    ) -> DiagonalGaussian:
        """Return displacements [..., 2] of pucks by strikes, metres.

        Args:
          context: [..., X].
          start: [..., D].
          latent: [..., Z].
        """
        hidden = tf.concat([context, self.scaled("start", start), latent], axis=-1)
        for layer in self._outcome:
            hidden = layer(hidden)
        mean, log_sigma = tf.split(hidden, 2, axis=-1)
        return DiagonalGaussian(mean, tf.clip_by_value(log_sigma, *_LOG_SIGMA))

    @tf.function(reduce_retracing=True, autograph=False)
    def propose(
        self, evidence: Evidence, start: tf.Tensor, wanted: tf.Tensor, noise: tf.Tensor
    ) -> tf.Tensor:
        """Return the latents [B, Z] of least predicted distance to the target.

        The distance is the root of the expected square: among strikes that should hit,
        those of more certain outcome are preferred.

        Args:
          evidence: of B pucks.
          start: [B, D].
          wanted: [B, 2] displacement to the target, metres.
          noise: [I, N, Z] standard normal noise of the search.
        """
        context, largest = self.context(evidence), self.config.largest_latent

        def repeated(given: tf.Tensor) -> tf.Tensor:
            return tf.repeat(given[:, None], tf.shape(noise)[1], axis=1)

        context, starts = repeated(context), repeated(start)

        def score(plans: tf.Tensor) -> tf.Tensor:
            found = self.outcome(context, starts, largest * plans[:, :, 0])
            squares = (found.mean - wanted[:, None]) ** 2 + tf.exp(2 * found.log_sigma)
            return -tf.sqrt(tf.reduce_sum(squares, axis=-1))

        plan = tf.zeros((tf.shape(start)[0], 1, self.config.latent))
        found = optimiser.optimise(score, plan, noise[:, :, None], self._planner)
        return largest * found[:, 0]


def _dense(*units: int) -> list[layers.Layer]:
    return [layers.Dense(width, "elu") for width in units]
