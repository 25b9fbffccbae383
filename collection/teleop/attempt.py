"""One attempt at a scene, and the episode that is made of it.

What is stored is not what was watched but the same actions played once more: trimmed,
then held still up to the horizon, as scripted demonstrators do. Physics is a pure
function of scene and actions, so the two are the same wherever nothing was trimmed.
"""

import dataclasses

import numpy as np

from wtl.collection import recorder
from wtl.collection.teleop.operator_input import FIRST_FINGER
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract import episode as episodes


@dataclasses.dataclass(frozen=True)
class Trimmed:
    """The actions of an attempt, made as long as an episode.

    Attributes:
      actions: float32[HORIZON, 5].
      acted: control steps from the first move to the last.
      head: idle steps left out before the first move.
      tail: idle steps after the last move; holding still takes their place.
    """

    actions: np.ndarray
    acted: int
    head: int
    tail: int

    def pad(self, flags: np.ndarray) -> np.ndarray:
        """bool[HORIZON] flags of the actions, from bool[T] flags of the attempt."""
        result = np.zeros(len(self.actions), bool)
        result[: self.acted] = flags[self.head : self.head + self.acted]
        return result


def trim(actions: np.ndarray) -> Trimmed | None:
    """Cuts idle ends off and holds still up to the horizon.

    A step is idle if it moves no axis and leaves the fingers as they are.

    Args:
      actions: float32[T, 5] of an attempt, T at most the horizon.

    Returns:
      None if all of it is idle.
    """
    fingers = np.concatenate([[FIRST_FINGER], actions[:, 4]])
    busy = np.flatnonzero(actions[:, :4].any(axis=1) | (np.diff(fingers) != 0))
    if not len(busy):
        return None
    first, last = int(busy[0]), int(busy[-1])
    kept = actions[first : last + 1]
    still = np.zeros(
        (tabletop_environment.HORIZON - len(kept), actions.shape[1]), np.float32
    )
    still[:, 4] = kept[-1, 4]
    return Trimmed(
        actions=np.concatenate([kept, still]),
        acted=len(kept),
        head=first,
        tail=len(actions) - 1 - last,
    )


class Attempt:
    """A scene being played by somebody, control step by control step.

    Attributes:
      env: the environment.
      setup: what is played in it.
      observation: the last one.
    """

    def __init__(
        self, env: tabletop_environment.Manipulation, setup: environment.Setup
    ):
        """Puts the environment into the scene of `setup`."""
        self.env = env
        self.setup = setup
        env.prepare(setup)
        self.observation = env.reset().observation
        self._actions: list[np.ndarray] = []
        self._interventions: list[bool] = []

    def __len__(self) -> int:
        return len(self._actions)

    @property
    def is_over(self) -> bool:
        """Whether the horizon is reached."""
        return len(self) >= tabletop_environment.HORIZON

    @property
    def finger(self) -> float:
        """The finger command that holds."""
        return float(self._actions[-1][4]) if self._actions else FIRST_FINGER

    @property
    def actions(self) -> np.ndarray:
        """float32[T, 5] actions so far."""
        return np.array(self._actions, np.float32).reshape(-1, worlds.ACTION_SIZE)

    @property
    def interventions(self) -> np.ndarray:
        """bool[T] whether a person took each action in place of a policy."""
        return np.array(self._interventions, bool)

    @property
    def achieved(self) -> bool:
        """Whether the goal holds now."""
        return self.env.achieved(self.setup.target)

    def step(self, action: np.ndarray, intervention: bool = False):
        """Makes a control step; see `interventions`."""
        # As it will be stored, so that it can be played again to the bit.
        action = np.clip(action, -1, 1).astype(np.float32)
        self.observation = self.env.step(action).observation
        self._actions.append(action)
        self._interventions.append(intervention)


def play(
    env: tabletop_environment.Manipulation,
    setup: environment.Setup,
    actions: np.ndarray,
    success: bool | None = None,
    **metadata,
) -> episodes.Episode:
    """Plays actions from the start of a scene to the horizon.

    Args:
      env: where to play; it observes what is to be stored.
      setup: the scene.
      actions: float32[HORIZON, 5].
      success: what a person says about it; None leaves it to the environment's test.
      **metadata: see `Recorder.episode`.
    """
    env.prepare(setup)
    record = recorder.Recorder(env)
    timestep = env.reset()
    record.start(timestep)
    for action in actions:
        timestep = env.step(action)
        if timestep.last() and success is not None:
            timestep = timestep._replace(reward=float(success))
        record.add(action, timestep)
    return record.episode(**metadata)
