"""What a policy makes of what it sees: nothing of a state, a state of images."""

import numpy as np
import tensorflow as tf

from collection import workers
from wtl.envs import environment, observation

_BATCH = 64  # episodes looked at together


class Sight:
    """The way in which one saved policy sees."""

    def __init__(self, policy, layout: observation.Layout):
        """Looks through the eyes of a policy.

        Args:
          policy: loaded by `policies.export.load`.
          layout: of the true states.
        """
        self._policy = policy
        self._layout = layout
        self.has_eyes = int(policy.get_metadata()["pixels"]) > 0

    @property
    def sees(self) -> tuple[str, ...]:
        """Names of the observations that the policy takes."""
        if self.has_eyes:
            return (environment.IMAGE, environment.PROPRIOCEPTION)
        return (environment.STATE,)

    def episodes(
        self, state: np.ndarray, image: np.ndarray | None, own: bool = True
    ) -> np.ndarray:
        """States [N, T, S] of episodes, as the policy sees them.

        Args:
          state: [N, T, S] true states, of which only what is felt is used if there
            are eyes.
          image: uint8[N, T, H, W, 3], needed only then.
          own: whether they are the robot's, not somebody else's. A policy that was
            never taught to watch others takes these for its own.
        """
        if not self.has_eyes:
            return state
        felt = self._layout.proprioception(state, own)
        look = self._policy.perceive
        if not own and hasattr(self._policy, "watch"):
            look = self._policy.watch
        parts = []
        for start in range(0, len(state), _BATCH):
            part = slice(start, start + _BATCH)
            parts.append(
                look(
                    {
                        environment.IMAGE: tf.constant(image[part]),
                        environment.PROPRIOCEPTION: tf.constant(felt[part]),
                    }
                ).numpy()
            )
        return np.concatenate(parts)

    def first(self, observed: workers.Observations) -> np.ndarray:
        """First states [N, S] of episodes to be played, as the policy sees them."""
        state, image = (
            observed.get(name) for name in (environment.STATE, environment.IMAGE)
        )
        image = None if image is None else image[:, None]
        return self.episodes(state[:, None], image)[:, 0]
