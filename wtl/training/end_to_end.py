"""Trains perception and policy together, from pixels to actions.

Perception taught with states sees what a state has names for, as well everywhere; the
policy's loss tells it where the last millimetre counts. What is shown goes through it
anew in each step too: nothing is cached.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.perception import loss as perception_losses
from wtl.collection.worlds.tabletop.perception import network as perception_networks
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.legacy_keras import tf_keras
from wtl.training import examples, perception_examples


class Sights(NamedTuple):
    """Images of T timesteps each of N episodes, and what is felt at them.

    Attributes:
      image: uint8[N, T, H, W, 3].
      felt: [N, T, P].
    """

    image: np.ndarray
    felt: np.ndarray


class SightRows(NamedTuple):
    """B examples before they are seen.

    Attributes:
      rows: what belongs to which example.
      demos: of the B * K demonstrations shown.
      trials: of the B * L trials shown.
      target: of the demonstrations to imitate, at the first and the W timesteps.
      glimpses: images with the states they show.
    """

    rows: examples.Rows
    demos: Sights
    trials: Sights
    target: Sights
    glimpses: perception_examples.Glimpses


class SightSource:
    """Draws examples whose states are yet to be seen."""

    def __init__(
        self,
        source: examples.ExampleSource,
        demos: EpisodeStore,
        shown: EpisodeStore,
        trials: EpisodeStore | None,
        layout: observation.Layout,
        frames: int,
        human: bool,
    ):
        """Keeps images in memory as they are.

        Args:
          source: draws the rows, and builds examples of what is seen.
          demos: demonstrations to imitate, with images and true states.
          shown: what is shown in place of each, with images.
          trials: trials with images, for methods that see them.
          layout: of the states.
          frames: to which what is shown is resampled.
          human: whether what is shown are videos of humans.
        """
        self.source = source
        self._demos = demos
        self._layout = layout
        self._glimpses = perception_examples.GlimpseSource(demos, layout, _LATER)
        self._shown = _sights(shown, layout, frames, own=not human)
        self._trials = None
        if trials is not None:
            self._trials = _sights(trials, layout, frames, own=True)

    def draw(self, rng: np.random.Generator, count: int) -> SightRows:
        """Draws `count` examples."""
        rows = self.source.draw(rng, count)
        times = np.concatenate([np.zeros((count, 1), np.int32), rows.times], axis=1)
        target = rows.target[:, None]
        state = self._demos.state[target, times]
        return SightRows(
            rows=rows,
            demos=_pick(self._shown, rows.demos),
            trials=_pick(self._trials or self._shown, rows.trials),
            target=Sights(
                self._demos.image[target, times], self._layout.proprioception(state)
            ),
            glimpses=self._glimpses.draw(rng, count),
        )

    def gather(self, rows: SightRows) -> SightRows:
        """Leaves the rows as they are: to be seen is part of the loss."""
        return rows


_LATER = 4  # later images for each first one that perception is taught with


def _sights(store: EpisodeStore, layout, frames: int, own: bool) -> Sights:
    resampled = resample(store, frames)
    return Sights(resampled.image, layout.proprioception(resampled.state, own))


def _pick(sights: Sights, rows: np.ndarray) -> Sights:
    return Sights(sights.image[rows.ravel()], sights.felt[rows.ravel()])


class EndToEnd(tf_keras.Model):
    """Perception and policy as one network."""

    def __init__(
        self,
        network: tf_keras.Model,
        perception: perception_networks.Perception,
        watching: perception_networks.Perception | None,
    ):
        """Joins trained networks; `watching` sees the videos of humans."""
        super().__init__(name="end_to_end")
        self.policy_network = network
        self.perception = perception
        self.watching = watching

    def see(self, rows: SightRows) -> examples.Seen:
        """The states of examples, as they are seen."""

        def shown(eyes, sights: Sights, like):
            states = eyes.perceive(sights.image, sights.felt)
            return tf.reshape(
                states, tf.concat([tf.shape(like), tf.shape(states)[1:]], 0)
            )

        target = self.perception.perceive(rows.target.image, rows.target.felt)
        demos = shown(self.watching or self.perception, rows.demos, rows.rows.demos)
        trials = tf.zeros_like(demos[:, :1])
        if self.policy_network.config.trials:
            trials = shown(self.perception, rows.trials, rows.rows.trials)
        return examples.Seen(demos, trials, target[:, 0], target[:, 1:])


def loss_of(policy_loss, source: SightSource, privileged: float):
    """The loss of `EndToEnd` networks.

    Args:
      policy_loss: of the policy, see `wtl.policies.methods.Kind`.
      source: of the examples.
      privileged: see `EndToEndConfig`.
    """

    def loss(network: EndToEnd, rows: SightRows, log_sigma_floor: tf.Tensor):
        example = source.source.assemble(rows.rows, network.see(rows))
        found = policy_loss(network.policy_network, example, log_sigma_floor)
        if not privileged:
            return found
        taught = perception_losses.loss(
            network.perception,
            perception_losses.Example(*rows.glimpses),
            log_sigma_floor,
        )
        return found._replace(total=found.total + privileged * taught.total)

    return loss
