"""What a picture shows: the world between two control steps, or a film."""

import mujoco
import numpy as np

from wtl.collection.worlds.tabletop import world as worlds

Scene = tuple[mujoco.MjModel, mujoco.MjData]


class View:
    """Moves smoothly from state to state; physics itself is not touched.

    Attributes:
      tip: [3] where the finger tips are in the last scene, metres.
    """

    def __init__(self, world: worlds.World):
        """Looks at a world that has just been reset."""
        self._world = world
        self._shown = mujoco.MjData(world.model)
        self._film: np.ndarray | None = None
        self.leave(0.0)

    def leave(self, now: float):
        """A control step is about to be made: the way begins here and now."""
        self._began = now
        self._before = self._world.data.qpos.copy()
        self._from = self._world.gripper_pose[:3].copy()

    def scene(self, now: float, period: float) -> Scene:
        """What is to be seen.

        Args:
          now: seconds of the monotonic clock.
          period: seconds between control steps.
        """
        if self._film is not None:
            if self._film_began is None:
                self._film_began = now
            number = int((now - self._film_began) / period)
            if number < len(self._film):
                return self._frame(self._film[number])
            self._film = None
        share = np.clip((now - self._began) / period, 0, 1)
        after, shown = self._world.data, self._shown
        shown.qpos[:] = self._before + share * (after.qpos - self._before)
        shown.mocap_pos[:], shown.mocap_quat[:] = after.mocap_pos, after.mocap_quat
        mujoco.mj_kinematics(self._world.model, shown)
        self.tip = self._from + share * (self._world.gripper_pose[:3] - self._from)
        return self._world.model, shown

    @property
    def is_film(self) -> bool:
        """Whether a film runs."""
        return self._film is not None

    def play(self, film: np.ndarray | None):
        """Runs a film from its beginning; None ends one.

        Args:
          film: [T, P] physics states of a world with the same objects.
        """
        self._film, self._film_began = film, None

    def _frame(self, state: np.ndarray) -> Scene:
        compiled, shown = self._world.model, self._shown
        mujoco.mj_setState(compiled, shown, state, worlds.STATE_SPEC)
        mujoco.mj_kinematics(compiled, shown)
        self.tip = self._world.tip_of(shown)
        return compiled, shown
