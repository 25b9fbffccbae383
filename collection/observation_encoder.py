"""What a policy makes of what it sees: nothing of a state, a state of images."""

import numpy as np
import tensorflow as tf

from wtl.collection import vector_environment
from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout

_BATCH = 64  # episodes looked at together


class Sight:
    """The way in which one saved policy sees.

    Attributes:
      layout: of the true states.
      has_eyes: whether it sees images rather than the state.
    """

    def __init__(self, policy, layout: Layout):
        """Looks through the eyes of a policy.

        Args:
          policy: loaded by `wtl.policies.export.load`.
          layout: of the true states.
        """
        self._policy = policy
        self.layout = layout
        self.has_eyes = int(policy.get_metadata()["pixels"]) > 0
        self._watches = hasattr(policy, "perceive_human")

    @property
    def sees(self) -> tuple[str, ...]:
        """Names of the observations that the policy takes."""
        if self.has_eyes:
            return (fields.IMAGE, fields.PROPRIOCEPTION)
        return (fields.STATE,)

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
        felt = self.layout.proprioception(state, own)
        perceive = self._policy.perceive
        if not own and self._watches:
            perceive = self._policy.perceive_human
        parts = []
        for start in range(0, len(state), _BATCH):
            part = slice(start, start + _BATCH)
            parts.append(
                perceive(
                    {
                        fields.IMAGE: tf.constant(image[part]),
                        fields.PROPRIOCEPTION: tf.constant(felt[part]),
                    }
                ).numpy()
            )
        return np.concatenate(parts)

    def look(
        self, state: np.ndarray, image: np.ndarray, own: bool = True
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Where the policy looks in the images of episodes.

        Args:
          state: [N, T, S] true states, of which only what is felt is used.
          image: uint8[N, T, H, W, 3].
          own: as for `episodes`.

        Returns:
          [N, T, Q, 2] image coordinates in [-1, 1] where objects and buttons were
          found, each from left to right, then what else was looked for; and
          [N, T, h, w] shares of the attention over the image. None if the policy was
          saved before it could tell.
        """
        if not hasattr(self._policy, "look"):
            return None
        felt = self.layout.proprioception(state, own)
        look = self._policy.look
        if not own and self._watches:
            look = self._policy.look_human
        looked = look(
            {
                fields.IMAGE: tf.constant(image),
                fields.PROPRIOCEPTION: tf.constant(felt),
            }
        )
        return looked["point"].numpy(), looked["heat"].numpy()

    def committed(self, policy_state) -> np.ndarray:
        """Slots [N] of the targets that the policy has chosen, as it sees them.

        Args:
          policy_state: what its `encode_context` returned.
        """
        chosen = policy_state["policy"] if self.has_eyes else policy_state
        return tf.argmax(chosen["target"], axis=-1).numpy()

    def first(self, observed: vector_environment.Observations) -> np.ndarray:
        """First states [N, S] of episodes to be played, as the policy sees them."""
        state, image = (observed.get(name) for name in (fields.STATE, fields.IMAGE))
        image = None if image is None else image[:, None]
        return self.episodes(state[:, None], image)[:, 0]
