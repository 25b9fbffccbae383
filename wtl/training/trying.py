"""Trials of one task in lockstep, as reinforcement learning makes them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from datasets.sampler import identities_and_places
from policies.bc_sac.learner import Learner
from wtl.envs import environment, observation, seeding


class Trials(NamedTuple):
    """N episodes of T steps, slots by identity; see `Replay.add`.

    Attributes:
      state: [N, T + 1, S] states.
      action: [N, T, A] actions.
      success: [N] whether the goal was reached.
      target: [N] slot that the episode was committed to.
      places: [N, E] places of objects, and of buttons, from the left.
      base: [N, E] logits of the policy that the choice began with.
    """

    state: np.ndarray
    action: np.ndarray
    success: np.ndarray
    target: np.ndarray
    places: np.ndarray
    base: np.ndarray


class Table:
    """Environments that are stepped together in this process."""

    def __init__(self, layout: observation.Layout):
        """Creates environments as they are needed."""
        self._layout = layout
        self._envs: list[environment.Manipulation] = []

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
        count, horizon = len(setups), environment.HORIZON
        config = learner.network.config
        size, components, actions = (
            config.entities,
            config.components,
            config.action_size,
        )
        noise = {
            "target": np.zeros((count, size), np.float32),
            "component": np.zeros((count, horizon, components), np.float32),
            "action": np.zeros((count, horizon, actions), np.float32),
        }
        for i, seed in enumerate(seeds or ()):
            rng = seeding.generator(seed)
            noise["target"][i] = rng.gumbel(size=size)
            noise["component"][i] = rng.gumbel(size=(horizon, components))
            noise["action"][i] = rng.standard_normal((horizon, actions))
        for setup in setups[len(self._envs) :]:
            self._envs.append(environment.Manipulation(setup))
        envs = self._envs[:count]
        for env, setup in zip(envs, setups, strict=True):
            env.prepare(setup)
        first = np.stack([env.reset().observation[environment.STATE] for env in envs])
        order, places = by_identity(first, self._layout)
        states, taken = [np.take_along_axis(first, order, axis=1)], []
        target, base = learner.choose(
            tf.constant(states[0]), tf.constant(places), tf.constant(noise["target"])
        )
        for t in range(horizon):
            action = learner.act(
                tf.constant(states[-1]),
                target,
                tf.constant(noise["component"][:, t]),
                tf.constant(noise["action"][:, t]),
            ).numpy()
            steps = [env.step(a) for env, a in zip(envs, action, strict=True)]
            state = np.stack([s.observation[environment.STATE] for s in steps])
            states.append(np.take_along_axis(state, order, axis=1))
            taken.append(action)
        return Trials(
            state=np.stack(states, axis=1),
            action=np.stack(taken, axis=1),
            success=np.array([step.reward > 0 for step in steps]),
            target=target.numpy(),
            places=places,
            base=base.numpy(),
        )


def by_identity(
    first: np.ndarray, layout: observation.Layout
) -> tuple[np.ndarray, np.ndarray]:
    """How to bring states into an order that is the same in all scenes of a task.

    Args:
      first: [N, S] first states of episodes.
      layout: their layout.

    Returns:
      [N, S] where each number of the ordered state is found in the given one, and
      [N, E] int32 places, from the left, of objects and buttons in that order.
    """
    size = layout.size
    identities, places = identities_and_places(first, layout)
    slots = np.concatenate(
        [identities[:, :size].argsort(axis=1), identities[:, size:].argsort(axis=1)],
        axis=1,
    )
    index = np.tile(np.arange(layout.state_size), (len(first), 1))
    rows, ordered = layout.split(index), index.copy()
    views = layout.split(ordered)
    each = np.arange(len(first))[:, None]
    views["objects"][...] = rows["objects"][each, slots[:, :size]]
    views["buttons"][...] = rows["buttons"][each, slots[:, size:]]
    slots[:, size:] += size
    return ordered, np.take_along_axis(places, slots, axis=1).astype(np.int32)
