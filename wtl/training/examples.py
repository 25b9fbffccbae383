"""Examples from sampled rows: data stays in memory, a step sends indices."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.datasets.contract import fields
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.sampler import Batch, Sampler
from wtl.policies import interface
from wtl.policies.contextual import context as contexts
from wtl.policies.imitation import Example
from wtl.training import augmentation

_DECIDING_SHARE = 0.625  # of the imitated steps, see `Layout.deciding_steps`


class Rows(NamedTuple):
    """Integers and masks of B examples, see `wtl.datasets.sampling.sampler.Batch`.

    Attributes:
      demos, demo_mask, trials, trial_mask, trial_success, target: as in `Batch`.
      times: [B, W] timesteps of the demonstration to imitate.
      target_slot: [B] slot that it acted on.
      demo_acted, trial_acted: slots acted on in the given episodes.
      symmetry: symmetry of each example.
    """

    demos: np.ndarray
    demo_mask: np.ndarray
    trials: np.ndarray
    trial_mask: np.ndarray
    trial_success: np.ndarray
    target: np.ndarray
    times: np.ndarray
    target_slot: np.ndarray
    demo_acted: np.ndarray
    trial_acted: np.ndarray
    symmetry: augmentation.Symmetry


class Seen(NamedTuple):
    """States of B examples, known or estimated from images.

    Attributes:
      demos: [B, K, T, S] of the given demonstrations.
      trials: [B, L, T, S] of the given trials.
      first: [B, S] at the start of the demonstration to imitate.
      window: [B, W, S] at its imitated timesteps.
    """

    demos: tf.Tensor
    trials: tf.Tensor
    first: tf.Tensor
    window: tf.Tensor


class ExampleSource:
    """Draws rows with NumPy, gathers examples inside the training graph."""

    def __init__(
        self,
        demos: EpisodeStore,
        shown: EpisodeStore,
        trials: EpisodeStore | None,
        sampler: Sampler,
        config: interface.Interface,
        window: int,
    ):
        """Convert the stores to tensors, which take about as much memory.

        Args:
          demos: demonstrations to imitate.
          shown: episode given in place of each, row by row: the demonstration itself,
            or a human video, whose actions are unknown.
          trials: trials, for methods given them.
          sampler: joins the two.
          config: configuration of the network.
          window: W, timesteps of each demonstration to imitate.
        """
        self._sampler = sampler
        self._window = window
        self._length = demos.length
        self._layout = config.layout
        self._chunk = config.chunk
        # Timesteps of the last actions: none is taken at the last state.
        self._last = tf.constant(demos.length - 2, tf.int32)
        self._state = tf.constant(demos.state)
        self._first = tf.constant(demos.state[:, 0])
        self._action = tf.constant(demos.action)
        frames = config.context_frames, config.interval_actions
        self._demo_frames = _constants(resample(shown, *frames))
        self._trial_frames = self._demo_frames
        if trials is not None:
            self._trial_frames = _constants(resample(trials, *frames))
        names = list(config.families)
        self._family = tf.constant(
            [names.index(name) for name in demos[fields.FAMILY]], tf.int32
        )
        self._friction = tf.constant(demos[fields.HIDDEN_FRICTION])
        self._has_trials = trials is not None
        # A policy acts with the actuator gains that made its own trials.
        self._acts_as_tried = (
            trials is not None and config.trials_from != interface.ANOTHER_TASK
        )
        self._hidden = _hidden(trials if self._acts_as_tried else demos, config)
        # A policy that compensates within the episode decides on motions.
        self._compensates = bool(config.compensation)
        self._is_commanded = config.hidden_gains and not self._compensates
        self._history = config.window
        self._choices = config.choices

    def draw(self, rng: np.random.Generator, count: int) -> Rows:
        """Draw the rows of `count` examples."""
        batch: Batch = self._sampler.draw(rng, count)
        length = self._length[batch.target][:, None] - 1
        share = rng.random((count, self._window))
        limit = np.repeat(length, self._window, axis=1)
        if self._layout.deciding_steps:
            # Later steps are imitated in any window.
            deciding = min(round(self._window * _DECIDING_SHARE), self._window - 1)
            limit[:, :deciding] = np.minimum(length, self._layout.deciding_steps)
        acted = self._sampler.relabeller.acted
        if self._has_trials:
            trial_acted = self._sampler.relabeller.trial_acted[batch.trials]
        else:
            trial_acted = np.full(batch.trials.shape, -1)
        return Rows(
            demos=batch.demos.astype(np.int32),
            demo_mask=batch.demo_mask.astype(np.float32),
            trials=batch.trials.astype(np.int32),
            trial_mask=batch.trial_mask.astype(np.float32),
            trial_success=batch.trial_success.astype(np.float32),
            target=batch.target.astype(np.int32),
            times=(share * limit).astype(np.int32),
            target_slot=acted[batch.target].astype(np.int32),
            demo_acted=acted[batch.demos].astype(np.int32),
            trial_acted=trial_acted.astype(np.int32),
            symmetry=augmentation.draw(rng, count, self._layout.is_lit),
        )

    def gather(self, rows: Rows) -> Example:
        """Build the examples inside a graph."""
        whole = tf.gather(self._state, rows.target)
        seen = Seen(
            demos=tf.gather(self._demo_frames.state, rows.demos),
            trials=tf.gather(self._trial_frames.state, rows.trials),
            first=tf.gather(self._first, rows.target),
            window=tf.gather(whole, rows.times, batch_dims=1),
        )
        example = self.assemble(rows, seen)
        if not self._compensates:
            return example
        around = rows.times[..., None] + tf.range(-self._history, 2)
        return example._replace(
            history=tf.gather(whole, tf.maximum(around, 0), batch_dims=1),
            history_valid=tf.cast(around[..., :-2] >= 0, tf.float32),
        )

    def assemble(self, rows: Rows, seen: Seen) -> Example:
        """Build the examples from their states, inside a graph."""

        def states(found):
            return augmentation.apply_to_states(rows.symmetry, found, self._layout)

        def actions(source, indices, batch_dims=0):
            found = tf.gather(source, indices, batch_dims=batch_dims)
            return augmentation.apply_to_actions(rows.symmetry, found, self._layout)

        privileged = contexts.Privileged(
            rows.target_slot,
            tf.gather(self._family, rows.target),
            tf.gather(self._friction, rows.target),
        )
        # The last action follows itself, as in Diffusion Policy (Chi et al. 2023).
        last = tf.gather(self._last, rows.target)[:, None, None]
        times = tf.minimum(rows.times[..., None] + tf.range(self._chunk), last)
        action = actions(tf.gather(self._action, rows.target), times, batch_dims=1)
        size = action.shape[-1]
        if self._hidden is not None:
            acting = rows.trials[:, 0] if self._acts_as_tried else rows.target
            privileged = contexts.FullPrivileged(
                *privileged, tf.gather(self._hidden, acting)
            )
        if self._is_commanded:
            gains = privileged.hidden[:, :size]
            # The motion is imitated. Mirroring leaves gains unchanged: commands and
            # motions both change sides.
            action = tf.clip_by_value(action / gains[:, None, None], -1.0, 1.0)
        return Example(
            context=contexts.Context(
                demos=contexts.ContextEpisodes(
                    states(seen.demos),
                    actions(self._demo_frames.action, rows.demos),
                    tf.ones_like(rows.demo_mask),
                    rows.demo_mask,
                ),
                trials=contexts.ContextEpisodes(
                    states(seen.trials),
                    actions(self._trial_frames.action, rows.trials),
                    rows.trial_success,
                    rows.trial_mask,
                ),
                privileged=privileged,
                state=states(seen.first),
                gumbel=tf.zeros((tf.shape(seen.first)[0], self._choices)),
            ),
            demo_acted=rows.demo_acted,
            trial_acted=rows.trial_acted,
            target=rows.target_slot,
            state=states(seen.window),
            action=tf.reshape(action, (-1, self._window, self._chunk * size)),
            imitated=self._imitated(rows, states, actions),
        )

    def _imitated(self, rows: Rows, states, actions) -> contexts.ContextEpisodes:
        query = rows.target[:, None]
        return contexts.ContextEpisodes(
            states(tf.gather(self._demo_frames.state, query)),
            actions(self._demo_frames.action, query),
            tf.ones(tf.shape(query)),
            tf.ones(tf.shape(query)),
        )


def _hidden(store: EpisodeStore, config: interface.Interface) -> tf.Tensor | None:
    """Hidden variables [N, H] of the tasks of episodes; None if there are none."""
    known = (fields.HIDDEN_GAINS, fields.HIDDEN_PUCK)
    columns = [store[name] for name in known if name in store.metadata]
    size = sum(column.shape[1] for column in columns)
    if size != config.hidden_size:
        raise ValueError(
            f"the episodes have {size} hidden variables of their tasks, but the suite "
            f"has {config.hidden_size}; collect them again with this configuration"
        )
    return tf.constant(np.concatenate(columns, axis=1)) if columns else None


class _Frames(NamedTuple):
    state: tf.Tensor
    action: tf.Tensor


def _constants(frames) -> _Frames:
    return _Frames(tf.constant(frames.state), tf.constant(frames.action))
