"""Rollouts of one task for reinforcement learning."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection import episode_loop
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import VectorEnvironment
from wtl.collection.worlds.world import Scene
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.layout import Layout
from wtl.policies.bc_sac.learner import Learner
from wtl.policies.heads import mixture_density


class Trials(NamedTuple):
    """Batch of N episodes of T steps, slots by identity; see `Replay.add`.

    Attributes:
      state: [N, T + 1, S] states.
      action: [N, T, A] actions.
      success: [N] whether the goal was reached.
      target: [N] slot of the target that was chosen.
      places: [N, E] places from the left, within each kind.
    """

    state: np.ndarray
    action: np.ndarray
    success: np.ndarray
    target: np.ndarray
    places: np.ndarray


class ReinforcementActor:
    """Actor of a reinforcement learner; see `episode_loop.Actor`.

    It keeps data for the replay buffer: ordered states, and actions before clipping.
    """

    def __init__(self, learner: Learner, layout: Layout, explores: bool):
        """Wrap a learner; it adds noise to its greedy actions where it `explores`."""
        self._learner = learner
        self._layout = layout
        self._explores = explores

    def begin(self, environments, requests, observed):
        """Draw the noise and choose the targets of N episodes."""
        config = self._learner.network.config
        count, horizon = len(requests), environments.horizon
        size, actions = config.entities, config.action_size
        choice = np.zeros((count, size), np.float32)
        turns = mixture_density.turn(tf.range(horizon, dtype=tf.float32)).numpy()
        self._component = np.tile(turns, (count, 1))
        self._noise = np.zeros((count, horizon, actions), np.float32)
        for i, request in enumerate(requests if self._explores else ()):
            rng = seeding.generator(request.seed)
            choice[i] = rng.gumbel(size=size)
            self._component[i] = rng.random(horizon, np.float32)
            self._noise[i] = rng.standard_normal((horizon, actions))
        self._order = by_identity(observed[fields.STATE], self._layout)
        self._states, self._actions = [], []
        self._target = self._learner.choose(
            tf.constant(self._order.apply(observed[fields.STATE])),
            tf.constant(self._order.places),
            tf.constant(self._order.slots),
            tf.constant(choice),
        )

    def act(self, observed):
        """Return the actions of one step."""
        step = len(self._actions)
        self._states.append(self._order.apply(observed[fields.STATE]))
        action = self._learner.act(
            tf.constant(self._states[-1]),
            self._target,
            tf.constant(self._component[:, step]),
            tf.constant(self._noise[:, step]),
        ).numpy()
        self._actions.append(action)
        return action, None

    def metadata(self, request):
        """Return nothing: the episodes are not stored."""
        del request
        return {}

    def trials(self, episodes: Sequence[Episode]) -> Trials:
        """Return the episodes that were played last, for the replay buffer."""
        last = np.stack([episode.steps[fields.STATE][-1] for episode in episodes])
        states = [*self._states, self._order.apply(last)]
        return Trials(
            state=np.stack(states, axis=1),
            action=np.stack(self._actions, axis=1),
            success=np.array([e.metadata[fields.SUCCESS] for e in episodes]),
            target=self._target.numpy(),
            places=self._order.places,
        )


def play(
    environments: VectorEnvironment,
    learner: Learner,
    layout: Layout,
    scenes: Sequence[Scene],
    seeds: Sequence[int] | None,
) -> Trials:
    """Play an episode in each scene.

    Args:
      environments: plays them.
      learner: selects actions.
      layout: of the states.
      scenes: scene configs, with the target of the task.
      seeds: of the noise of each episode; None to act greedily.
    """
    actor = ReinforcementActor(learner, layout, explores=seeds is not None)
    requests = [
        EpisodeRequest(scene, str(i), fields.ROLE_TRIAL, seed=seeds[i] if seeds else 0)
        for i, scene in enumerate(scenes)
    ]
    return actor.trials(episode_loop.play(environments, actor, requests))


class Order(NamedTuple):
    """Order of the entities in N scenes of one task that is the same in all of them.

    Attributes:
      index: [N, S] where each number of the ordered state is found in the given one.
      places: [N, E] int32 places, from the left, within each kind.
      slots: [N, E] int32 slots in which they were.
    """

    index: np.ndarray
    places: np.ndarray
    slots: np.ndarray

    def apply(self, state: np.ndarray) -> np.ndarray:
        """Bring states [N, ..., S] into this order."""
        middle = (1,) * (state.ndim - 2)
        index = self.index.reshape(len(self.index), *middle, -1)
        return np.take_along_axis(state, index, axis=-1)


def by_identity(first: np.ndarray, layout: Layout) -> Order:
    """Return the order of entities by colour, given first states [N, S]."""
    size = layout.size
    identities, places = layout.identities_and_places(first)
    index = np.tile(np.arange(layout.state_size), (len(first), 1))
    ordered = index.copy()
    rows, views = layout.split(index), layout.split(ordered)
    each = np.arange(len(first))[:, None]
    slots = []
    for kind, name in enumerate(layout.kinds):
        part = identities[:, kind * size : (kind + 1) * size].argsort(axis=1)
        views[name][...] = rows[name][each, part]
        slots.append(part + kind * size)
    slots = np.concatenate(slots, axis=1)
    places = np.take_along_axis(places, slots, axis=1)
    return Order(ordered, places.astype(np.int32), slots.astype(np.int32))
