"""World made of a Gymnasium environment."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from wtl.collection.worlds.plain.controls import Controls
from wtl.collection.worlds.plain.gym_environment import GymEnvironment, SpaceError
from wtl.collection.worlds.plain.task import PlainTask
from wtl.collection.worlds.plain.world import dm_env_world
from wtl.collection.worlds.world import World
from wtl.datasets.contract.errors import UserError

# (Gymnasium environment, its last observation) -> action in its units.
Actor = Callable[[gymnasium.Env, Any], np.ndarray]


def gym_world(
    name: str,
    make: str | Callable[[PlainTask], gymnasium.Env],
    tasks: Callable[..., Sequence[PlainTask]] | None = None,
    *,
    horizon: int | None = None,
    control_hz: float = 10.0,
    expert: Callable[[PlainTask], Actor] | None = None,
    teleop: Controls | None = None,
    sets: Sequence[str] = (),
    deciding_steps: int | None = None,
    version: str = "1.0.0",
) -> World:
    """Return a world whose environments are Gymnasium environments.

    Observations are a Box or nested Dicts of Boxes, vectors or images; actions are a
    Box with finite limits. Success is `success` or `is_success` in the last `info`, or
    without these a last reward above 0.

    Args:
      name: name of the world.
      make: (task) -> environment, or an id of Gymnasium's registry, to which the task's
        parameters are given as keyword arguments.
      tasks: (split, seed, count=...) -> tasks; by default all are the same task, in
        different scenes.
      horizon: control steps of an episode; by default those of the registry.
      control_hz: control steps per second.
      expert: (task) -> actor, which is called with environment and observation and
        returns an action in the environment's units.
      teleop: mapping of an operator's commands to actions, for `wtl teleop`.
      sets: names of the observations that are sets of things, see `wtl.worlds.dm_env`.
      deciding_steps: see `wtl.worlds.dm_env`.
      version: raised whenever the same seed no longer gives the same episode.

    Raises:
      UserError: if there is no such environment or horizon, or its spaces do not fit.
    """
    if isinstance(make, str):
        try:
            registered = gymnasium.spec(make)
        except gymnasium.error.Error as error:
            raise UserError(f"world {name!r}: {error}") from error
        horizon = horizon or registered.max_episode_steps
        make = functools.partial(_registered, make)
    if not horizon:
        raise UserError(f"world {name!r}: say horizon=, the steps of an episode")
    try:
        return dm_env_world(
            name,
            lambda task, seed: GymEnvironment(make(task), seed % 2**31),
            tasks or functools.partial(_one_task, name),
            horizon=horizon,
            control_hz=control_hz,
            expert=expert and functools.partial(_actor, expert),
            teleop=teleop,
            sets=sets,
            deciding_steps=deciding_steps,
            version=version,
        )
    except SpaceError as error:
        raise UserError(f"world {name!r}: {error}") from error


def _registered(gym_id: str, task: PlainTask) -> gymnasium.Env:
    return gymnasium.make(gym_id, **task.parameters)


def _one_task(name: str, split: str, seed: int, count: int) -> list[PlainTask]:
    del seed
    return [PlainTask(f"{split}-{i:05d}", name, split) for i in range(count)]


def _actor(expert, task: PlainTask):
    act = expert(task)
    return lambda env, timestep: act(env.gym, timestep.observation)
