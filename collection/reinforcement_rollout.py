"""Trials of one task in lockstep, as reinforcement learning makes them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import observation
from wtl.datasets.contract import fields, seeding
from wtl.datasets.sampling.sampler import identities_and_places
from wtl.policies.bc_sac.learner import Learner
from wtl.policies.heads import mixture_density


class Trials(NamedTuple):
    """N episodes of T steps, slots by identity; see `Replay.add`.

    Attributes:
      state: [N, T + 1, S] states.
      action: [N, T, A] actions.
      success: [N] whether the goal was reached.
      target: [N] slot that the episode was committed to.
      places: [N, E] places of objects, and of buttons, from the left.
    """

    state: np.ndarray
    action: np.ndarray
    success: np.ndarray
    target: np.ndarray
    places: np.ndarray


class Lockstep:
    """Environments that are stepped together in this process."""

    def __init__(self, layout: observation.Layout):
        """Creates environments as they are needed."""
        self._layout = layout
        self._envs: list[tabletop_environment.Manipulation] = []

    def play(
        self,
        learner: Learner,
        setups: Sequence[environment.Setup],
        seeds: Sequence[int] | None,
    ) -> Trials:
        """Plays an episode for each setup.

        Args:
          learner: who plays.
          setups: scenes, and the target of the task in each.
          seeds: of the noise of each episode; None to act greedily.
        """
        count, horizon = len(setups), tabletop_environment.HORIZON
        config = learner.network.config
        size, actions = config.entities, config.action_size
        turns = mixture_density.turn(tf.range(horizon, dtype=tf.float32)).numpy()
        noise = {
            "target": np.zeros((count, size), np.float32),
            "component": np.tile(turns, (count, 1)),
            "action": np.zeros((count, horizon, actions), np.float32),
        }
        for i, seed in enumerate(seeds or ()):
            rng = seeding.generator(seed)
            noise["target"][i] = rng.gumbel(size=size)
            noise["component"][i] = rng.random(horizon, np.float32)
            noise["action"][i] = rng.standard_normal((horizon, actions))
        for setup in setups[len(self._envs) :]:
            self._envs.append(tabletop_environment.Manipulation(setup))
        envs = self._envs[:count]
        for env, setup in zip(envs, setups, strict=True):
            env.prepare(setup)
        first = np.stack([env.reset().observation[fields.STATE] for env in envs])
        order = by_identity(first, self._layout)
        states, taken = [order.apply(first)], []
        target = learner.choose(
            tf.constant(states[0]),
            tf.constant(order.places),
            tf.constant(order.slots),
            tf.constant(noise["target"]),
        )
        for t in range(horizon):
            action = learner.act(
                tf.constant(states[-1]),
                target,
                tf.constant(noise["component"][:, t]),
                tf.constant(noise["action"][:, t]),
            ).numpy()
            steps = [env.step(a) for env, a in zip(envs, action, strict=True)]
            state = np.stack([s.observation[fields.STATE] for s in steps])
            states.append(order.apply(state))
            taken.append(action)
        return Trials(
            state=np.stack(states, axis=1),
            action=np.stack(taken, axis=1),
            success=np.array([step.reward > 0 for step in steps]),
            target=target.numpy(),
            places=order.places,
        )


class Order(NamedTuple):
    """An order of the things in N scenes of one task that is the same in all of them.

    Attributes:
      index: [N, S] where each number of the ordered state is found in the given one.
      places: [N, E] int32 places, from the left, of objects and of buttons.
      slots: [N, E] int32 slots in which they were.
    """

    index: np.ndarray
    places: np.ndarray
    slots: np.ndarray

    def apply(self, state: np.ndarray) -> np.ndarray:
        """Brings states [N, ..., S] into this order."""
        middle = (1,) * (state.ndim - 2)
        index = self.index.reshape(len(self.index), *middle, -1)
        return np.take_along_axis(state, index, axis=-1)


def by_identity(first: np.ndarray, layout: observation.Layout) -> Order:
    """The order of objects, and of buttons, by their colours.

    Args:
      first: [N, S] first states of episodes.
      layout: their layout.
    """
    size = layout.size
    identities, places = identities_and_places(first, layout)
    slots = np.concatenate(
        [identities[:, :size].argsort(axis=1), identities[:, size:].argsort(axis=1)],
        axis=1,
    )
    index = np.tile(np.arange(layout.state_size), (len(first), 1))
    ordered = index.copy()
    rows, views = layout.split(index), layout.split(ordered)
    each = np.arange(len(first))[:, None]
    views["objects"][...] = rows["objects"][each, slots[:, :size]]
    views["buttons"][...] = rows["buttons"][each, slots[:, size:]]
    slots[:, size:] += size
    places = np.take_along_axis(places, slots, axis=1)
    return Order(ordered, places.astype(np.int32), slots.astype(np.int32))
