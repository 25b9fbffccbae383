"""Context of a policy: demonstrations, trials, privileged information."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.observation_encoder import ObservationEncoder
from wtl.collection.vector_environment import Observations
from wtl.collection.worlds.world import Task
from wtl.datasets.contract import fields
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import video_pairs
from wtl.policies import interface
from wtl.policies.contextual import context as contexts


class ContextBuilder:
    """Builder of the contexts of one policy.

    Attributes:
      config: interface of the policy.
      encoder: observation encoder of the policy.
    """

    def __init__(
        self,
        config: interface.Interface,
        encoder: ObservationEncoder,
        *,
        demos: EpisodeStore | None = None,
        human: bool = False,
        trials: Callable[[set[str]], EpisodeStore] | None = None,
    ):
        """Keep the episodes that requests refer to.

        Args:
          config: of the policy.
          encoder: of the policy.
          demos: demonstrations, or videos of the simulated human; with images for image
            policies.
          human: whether they are videos of the simulated human.
          trials: returns trials by their ids.
        """
        self.config = config
        self.encoder = encoder
        self._demos = demos
        self._human = human
        self._trials = trials

    def build(
        self, requests: Sequence[EpisodeRequest], observed: Observations
    ) -> contexts.Context:
        """Build the context of N episodes.

        Args:
          requests: the episodes, which name demonstrations and trials.
          observed: their first observations.

        Returns:
          A context, [N, ...] each.
        """
        config, count = self.config, len(requests)
        nothing = no_episodes(count, config)
        demos = trials = nothing
        if config.demos:
            demos = self._encoded(
                self._demos, [r.demo_ids for r in requests], own=not self._human
            )
            # As in training: a demonstration is to be followed, whatever its label.
            demos = demos._replace(success=tf.ones_like(demos.success))
        names = [request.trial_ids for request in requests]
        if config.trials and any(names):
            store = self._trials({name for each in names for name in each})
            trials = self._encoded(store, names)
            given = [request.trial_success for request in requests]
            if any(given):
                success = np.where(np.array(given), 1.0, -1.0)
                trials = trials._replace(success=tf.constant(success, tf.float32))
        return contexts.Context(
            demos=demos,
            trials=trials,
            privileged=self._privileged(requests),
            state=self.encoder.first(observed),
            gumbel=self._gumbel(requests),
        )

    def _encoded(
        self, store: EpisodeStore, names: Sequence[tuple[str, ...]], own: bool = True
    ) -> contexts.ContextEpisodes:
        """Return episodes of a store by N tuples of up to K ids, encoded.

        `own` episodes are of the robot, others of the simulated human.
        """
        most = max(map(len, names))
        rows = np.array(
            [[*store.rows(each), *[-1] * (most - len(each))] for each in names]
        )
        # Resampling the episodes that are given alone keeps this cheap.
        picked, place = np.unique(rows[rows >= 0], return_inverse=True)
        index = np.zeros_like(rows)
        index[rows >= 0] = place.ravel()
        store = store.select(picked)
        if not own:
            store = video_pairs.as_video(store, self.config.action_size)
        config = self.config
        frames = resample(store, config.context_frames, config.interval_actions)
        state = self.encoder.episodes(frames.state, frames.images, own)
        success = np.where(store[fields.SUCCESS], 1.0, -1.0)
        return contexts.ContextEpisodes(
            state=tf.constant(state[index]),
            action=tf.constant(frames.action[index]),
            success=tf.constant(success[index], tf.float32),
            mask=tf.constant(rows >= 0, tf.float32),
        )

    def _privileged(
        self, requests: Sequence[EpisodeRequest]
    ) -> contexts.Privileged | contexts.FullPrivileged:
        """Return the true tasks for policies that are given them; zeros for others."""
        if not (self.config.oracle or self.config.gains_given):
            return no_privileged(len(requests), self.config)
        scenes = [request.scene for request in requests]
        # States estimated from images are in order of place; stored ones have slots.
        of_images = self.encoder.of_images
        targets = [scene.place if of_images else scene.slot for scene in scenes]
        return privileged(targets, [scene.task for scene in scenes], self.config)

    def _gumbel(self, requests: Sequence[EpisodeRequest]) -> np.ndarray:
        """[N, C] noise on the choices made once per episode."""
        gumbel = np.zeros((len(requests), self.config.choices), np.float32)
        for row, request in zip(gumbel, requests, strict=True):
            if request.choice_seed is not None:
                rng = np.random.Generator(np.random.PCG64(request.choice_seed))
                row[:] = rng.gumbel(size=len(row))
        return gumbel


def privileged(
    targets: Sequence[int], tasks: Sequence[Task], config: interface.Interface
) -> contexts.Privileged | contexts.FullPrivileged:
    """Return privileged information on B tasks, for the oracle, by target slots."""
    privileged = contexts.Privileged(
        target=tf.constant(targets, tf.int32),
        family=tf.constant(
            [config.families.index(task.family) for task in tasks], tf.int32
        ),
        friction=tf.constant([task.friction for task in tasks], tf.float32),
    )
    if not config.hidden_size:
        return privileged
    hidden = tf.constant([task.hidden for task in tasks], tf.float32)
    return contexts.FullPrivileged(*privileged, hidden)


def no_episodes(count: int, config: interface.Interface) -> contexts.ContextEpisodes:
    """Return the lack of demonstrations, or of trials, for `count` policies."""
    frames, state_size = config.context_frames, config.layout.state_size
    return contexts.ContextEpisodes(
        state=tf.zeros((count, 1, frames, state_size)),
        action=tf.zeros((count, 1, frames, config.action_size)),
        success=tf.zeros((count, 1)),
        mask=tf.zeros((count, 1)),
    )


def no_privileged(
    count: int, config: interface.Interface
) -> contexts.Privileged | contexts.FullPrivileged:
    """Return the zeros that stand for privileged information, ignored by policies."""
    zeros = tf.zeros(count, tf.int32)
    nothing = contexts.Privileged(zeros, zeros, tf.zeros(count))
    if not config.hidden_size:
        return nothing
    return contexts.FullPrivileged(*nothing, tf.ones((count, config.hidden_size)))
