"""Observation encoder: maps observations to the states that a policy acts on.

A state is left as it is; from images the policy's perception estimates one.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from wtl.collection.vector_environment import Observations
from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.scaling import scaled
from wtl.policies import export

_BATCH = 64  # episodes encoded together


class ObservationEncoder:
    """Observation encoder of one saved policy.

    Attributes:
      layout: of the true states.
      of_images: whether the policy observes images rather than the state.
      images: height and width of the images that the policy observes, by name.
      inputs: names of the arrays that the saved policy takes.
      observations: names of the observations that these are made of.
    """

    def __init__(self, policy, layout: Layout):
        """Create the encoder of a policy loaded by `wtl.policies.export.load`."""
        self._policy = policy
        self.layout = layout
        self.images = export.images_of(policy)
        self.of_images = bool(self.images)
        self.inputs = (fields.STATE,)
        if self.of_images:
            self.inputs = (*self.images, fields.PROPRIOCEPTION)
        self.observations = layout.observations(self.inputs)

    def given(self, observed: Observations, step: int) -> dict[str, tf.Tensor]:
        """Return what the policy is given of N observations at a timestep."""
        observed = self.layout.inputs(observed, step)
        given = {name: observed[name] for name in self.inputs}
        given |= {name: scaled(given[name], s) for name, s in self.images.items()}
        return {name: tf.constant(array) for name, array in given.items()}

    def episodes(
        self, state: np.ndarray, images: Mapping[str, np.ndarray], own: bool = True
    ) -> np.ndarray:
        """Return the states [N, T, S] of episodes that the policy acts on.

        Args:
          state: [N, T, S] true states, of which an image policy is given the
            proprioception alone.
          images: uint8[N, T, H, W, 3] by name, needed for image policies.
          own: whether they are of the robot, not of the simulated human. A policy
            without perception of human videos takes these for the robot's.
        """
        if not self.of_images:
            return state
        proprioception = self.layout.proprioception(state, own)
        return self._perceived({**images, fields.PROPRIOCEPTION: proprioception}, own)

    def _perceived(self, observed: Mapping[str, np.ndarray], own: bool) -> np.ndarray:
        """Return the states [N, T, S] estimated from images and proprioception."""
        perceive = self._function("perceive", own)
        observed = {name: observed[name] for name in self.inputs}
        count = len(observed[fields.PROPRIOCEPTION])
        parts = [slice(i, i + _BATCH) for i in range(0, count, _BATCH)]
        return np.concatenate(
            [
                perceive({n: tf.constant(a[part]) for n, a in observed.items()}).numpy()
                for part in parts
            ]
        )

    def look(
        self, state: np.ndarray, images: Mapping[str, np.ndarray], own: bool = True
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the attention of the policy in the images of episodes.

        Args:
          state: [N, T, S] true states, of which the proprioception alone is used.
          images: uint8[N, T, H, W, 3] by name.
          own: as for `episodes`.

        Returns:
          [N, T, Q, 2] image coordinates in [-1, 1] of entities, each kind from left to
          right, then of anything else searched for; and [N, T, h, w] shares of
          the attention over the image. None for policies saved without this function.
        """
        if not hasattr(self._policy, "look"):
            return None
        found = self._function("look", own)(self._observed(state, images, own))
        return found["point"].numpy(), found["heat"].numpy()

    def _function(self, name: str, own: bool) -> Callable:
        """Saved function for episodes of the robot, or of the simulated human."""
        robot = getattr(self._policy, name)
        return robot if own else getattr(self._policy, f"{name}_human", robot)

    def _observed(self, state, images, own: bool) -> dict[str, tf.Tensor]:
        observed = {name: tf.constant(images[name]) for name in self.images}
        proprioception = self.layout.proprioception(state, own)
        return observed | {fields.PROPRIOCEPTION: tf.constant(proprioception)}

    def selected_targets(self, policy_state) -> np.ndarray:
        """Return the slots [N] of the selected targets in a state of the policy."""
        return tf.argmax(self.target(policy_state), axis=-1).numpy()

    def target(self, policy_state) -> tf.Tensor | None:
        """Return the weights [N, E] of targets in a state of the policy, if it has."""
        # Policies that track things in images keep the state of another one in theirs.
        return policy_state.get("policy", policy_state).get("target")

    def first(self, observed: Observations) -> np.ndarray:
        """Return the first states [N, S] of episodes to be played."""
        observed = self.layout.inputs(observed, 0)
        if not self.of_images:
            return observed[fields.STATE]
        given = {n: scaled(observed[n], s)[:, None] for n, s in self.images.items()}
        proprioception = observed.get(fields.PROPRIOCEPTION)
        if proprioception is None:  # of a stored episode
            proprioception = self.layout.proprioception(observed[fields.STATE], True)
        given[fields.PROPRIOCEPTION] = proprioception[:, None]
        return self._perceived(given, own=True)[:, 0]
