"""Training of perception and policy together, from pixels to actions.

Perception trained with simulator states estimates all of a state equally well; the
policy's loss weights what matters to actions. Context episodes pass through it in each
step too: nothing is cached.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.perception import Perception
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.normaliser import Normaliser
from wtl.training import examples


class Observed(NamedTuple):
    """Observations at T timesteps each of N episodes.

    Attributes:
      images: uint8[N, T, H, W, 3] by name.
      proprioception: [N, T, P].
    """

    images: Mapping[str, np.ndarray]
    proprioception: np.ndarray


class ObservedRows(NamedTuple):
    """B examples whose states are not estimated yet.

    Attributes:
      rows: rows of the examples.
      demos: observations of the B * K given demonstrations.
      trials: observations of the B * L given trials.
      target: observations of the demonstrations to imitate, at the first and the W
        timesteps.
      supervised: images with the states that they show.
    """

    rows: examples.Rows
    demos: Observed
    trials: Observed
    target: Observed
    supervised: NamedTuple


class ObservationSource:
    """Draws examples whose states are estimated in the loss."""

    def __init__(
        self,
        source: examples.ExampleSource,
        demos: EpisodeStore,
        shown: EpisodeStore,
        trials: EpisodeStore | None,
        layout: Layout,
        frames: int,
        human: bool,
        perception: Perception,
    ):
        """Keep images in memory unchanged.

        Args:
          source: draws the rows, and builds examples from estimated states.
          demos: demonstrations to imitate, with images and true states.
          shown: episodes given in place of each, with images.
          trials: trials with images, for methods given them.
          layout: layout of the states.
          frames: number of frames of context episodes.
          human: whether `shown` are human videos.
          perception: perception of the world.
        """
        self.source = source
        self._demos = demos
        self._layout = layout
        self.perception = perception
        self._supervised = perception.examples(demos, layout, _LATER)
        self._shown = _observed(shown, layout, frames, own=not human)
        self._trials = None
        if trials is not None:
            self._trials = _observed(trials, layout, frames, own=True)

    def draw(self, rng: np.random.Generator, count: int) -> ObservedRows:
        """Draw `count` examples."""
        rows = self.source.draw(rng, count)
        times = np.concatenate([np.zeros((count, 1), np.int32), rows.times], axis=1)
        target = rows.target[:, None]
        state = self._demos.state[target, times]
        return ObservedRows(
            rows=rows,
            demos=_pick(self._shown, rows.demos),
            trials=_pick(self._trials or self._shown, rows.trials),
            target=Observed(
                {n: array[target, times] for n, array in self._demos.images.items()},
                self._layout.proprioception(state),
            ),
            supervised=self._supervised.draw(rng, count),
        )

    def gather(self, rows: ObservedRows) -> ObservedRows:
        """Return the rows unchanged: the loss estimates their states."""
        return rows


_LATER = 4  # supervised later images for each first one


def _observed(store: EpisodeStore, layout, frames: int, own: bool) -> Observed:
    resampled = resample(store, frames)
    return Observed(resampled.images, layout.proprioception(resampled.state, own))


def _pick(observed: Observed, rows: np.ndarray) -> Observed:
    rows = rows.ravel()
    images = {name: array[rows] for name, array in observed.images.items()}
    return Observed(images, observed.proprioception[rows])


class EndToEnd(tf_keras.Model):
    """Perception and policy as one network."""

    def __init__(
        self,
        network: tf_keras.Model,
        perception: tf_keras.Model,
        watching: tf_keras.Model | None,
        normaliser: Normaliser | None = None,
    ):
        """Join trained networks.

        Args:
          network: of the policy, which is given normalised states.
          perception: of images of the robot.
          watching: of human videos.
          normaliser: of the states; None if they are left as they are.
        """
        super().__init__(name="end_to_end")
        self._normaliser = normaliser
        self.policy_network = network
        self.perception = perception
        self.watching = watching

    def estimate(self, rows: ObservedRows) -> examples.Seen:
        """Estimate the states of examples."""

        def perceive(perception, observed: Observed) -> tf.Tensor:
            states = perception.perceive(observed.images, observed.proprioception)
            return self._normaliser.state(states) if self._normaliser else states

        def shown(perception, observed: Observed, like):
            states = perceive(perception, observed)
            return tf.reshape(
                states, tf.concat([tf.shape(like), tf.shape(states)[1:]], 0)
            )

        target = perceive(self.perception, rows.target)
        demos = shown(self.watching or self.perception, rows.demos, rows.rows.demos)
        trials = tf.zeros_like(demos[:, :1])
        if self.policy_network.config.trials:
            trials = shown(self.perception, rows.trials, rows.rows.trials)
        return examples.Seen(demos, trials, target[:, 0], target[:, 1:])


def loss_of(policy_loss, source: ObservationSource, privileged: float):
    """Return the loss of `EndToEnd` networks.

    Args:
      policy_loss: loss of the policy, see `wtl.policies.methods.Kind`.
      source: source of the examples.
      privileged: see `EndToEndConfig`.
    """

    def loss(network: EndToEnd, rows: ObservedRows, log_sigma_floor: tf.Tensor):
        example = source.source.assemble(rows.rows, network.estimate(rows))
        found = policy_loss(network.policy_network, example, log_sigma_floor)
        if not privileged:
            return found
        supervised = source.perception.loss(
            network.perception,
            rows.supervised,
            log_sigma_floor,
        )
        return found._replace(total=found.total + privileged * supervised.total)

    return loss
