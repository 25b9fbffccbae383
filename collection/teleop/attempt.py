"""Attempt of an operator at a scene, and the episode that is made of it.

The stored episode is not the attempt itself but its actions replayed: trimmed, then
held still up to the horizon, as in scripted demonstrations. Physics is a pure function
of scene and actions, so both are the same wherever nothing was trimmed.
"""

import dataclasses

import numpy as np

from wtl.collection import recorder
from wtl.collection.teleop.interface import Teleop
from wtl.collection.worlds.world import Environment, Scene
from wtl.datasets.contract import episode as episodes


@dataclasses.dataclass(frozen=True)
class Trimmed:
    """Actions of an attempt, extended to the length of an episode.

    Attributes:
      actions: float32[H, A], H the horizon.
      acted: control steps from the first move to the last.
      head: idle steps left out before the first move.
      tail: idle steps after the last move; holding still takes their place.
    """

    actions: np.ndarray
    acted: int
    head: int
    tail: int

    def pad(self, flags: np.ndarray) -> np.ndarray:
        """Return bool[H] flags of the actions from bool[T] flags of the attempt."""
        result = np.zeros(len(self.actions), bool)
        result[: self.acted] = flags[self.head : self.head + self.acted]
        return result


def trim(actions: np.ndarray, teleop: Teleop, horizon: int) -> Trimmed | None:
    """Cut idle ends off and hold still up to the horizon.

    Args:
      actions: float32[T, A] of an attempt, T at most the horizon.
      teleop: of the world.
      horizon: control steps of an episode.

    Returns:
      None if all steps are idle.
    """
    busy = np.flatnonzero(teleop.moves(actions)) if len(actions) else ()
    if not len(busy):
        return None
    first, last = int(busy[0]), int(busy[-1])
    kept = actions[first : last + 1]
    still = [teleop.hold(kept[-1])] * (horizon - len(kept))
    return Trimmed(
        actions=np.array([*kept, *still], np.float32),
        acted=len(kept),
        head=first,
        tail=len(actions) - 1 - last,
    )


class Attempt:
    """A scene that is acted in, control step by control step.

    Attributes:
      env: the environment.
      scene: scene config.
      observation: the last one.
    """

    def __init__(self, env: Environment, scene: Scene):
        """Reset the environment to the scene of `scene`."""
        self.env = env
        self.scene = scene
        env.prepare(scene)
        self.observation = env.reset().observation
        self._actions: list[np.ndarray] = []
        self._interventions: list[bool] = []

    def __len__(self) -> int:
        return len(self._actions)

    @property
    def is_over(self) -> bool:
        """Whether the horizon is reached."""
        return len(self) >= self.env.horizon

    @property
    def actions(self) -> np.ndarray:
        """float32[T, A] actions so far."""
        return np.array(self._actions, np.float32)

    @property
    def interventions(self) -> np.ndarray:
        """bool[T], the steps at which the operator acted in place of a policy."""
        return np.array(self._interventions, bool)

    @property
    def achieved(self) -> bool:
        """Whether the goal holds now."""
        return self.env.achieved(self.scene.target)

    def step(self, action: np.ndarray, intervention: bool = False):
        """Make a control step; see `interventions`."""
        # As it will be stored, so that a replay is bit-identical.
        action = np.clip(action, -1, 1).astype(np.float32)
        self.observation = self.env.step(action).observation
        self._actions.append(action)
        self._interventions.append(intervention)


def replay(
    env: Environment,
    scene: Scene,
    actions: np.ndarray,
    success: bool | None = None,
    **metadata,
) -> episodes.Episode:
    """Play actions from the start of a scene to the horizon.

    Args:
      env: where to play; it observes what is to be stored.
      scene: scene config.
      actions: float32[H, A].
      success: label given by the operator; None for the environment's own test.
      **metadata: see `Recorder.episode`.
    """
    env.prepare(scene)
    record = recorder.Recorder(env)
    timestep = env.reset()
    record.start(timestep)
    for action in actions:
        timestep = env.step(action)
        if timestep.last() and success is not None:
            timestep = timestep._replace(reward=float(success))
        record.add(action, timestep)
    return record.episode(**metadata)
