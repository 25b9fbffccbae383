"""Tasks of plain worlds for agents that learn from trials alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from wtl.collection.task_pool import Attempt, Step
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.plain.task import PlainTask
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError


class PlainTasks:
    """Scenes of tasks as a `TaskPool`, with the rewards of their environments.

    All trials of a task are in one scene, and a task has one goal. Observations are the
    vectors of the environment, joined; the last reward of a trial is its success.
    """

    terminal = False
    goals = 1

    def __init__(
        self,
        world: World,
        pool: ProcessVectorEnvironment,
        scenes_of: Sequence[tuple[PlainTask, int]],
        shaped: bool = False,
    ):
        """Choose the tasks.

        Args:
          world: their world.
          pool: vector environment without a camera.
          scenes_of: tasks, and the seed of a scene of each.
          shaped: whether training is rewarded for progress, which is not known here.

        Raises:
          UserError: if `shaped`.
        """
        if shaped:
            raise UserError(
                f"meta_rl.shaped: progress in {world.name!r} is not known; set False"
            )
        self._pool = pool
        self._tasks = [task.scene(seed) for task, seed in scenes_of]
        self._names = [vector.name for vector in world.episodes.vectors]
        action = world.spec.action
        low = np.broadcast_to(action.minimum, action.shape)
        high = np.broadcast_to(action.maximum, action.shape)
        self._middle, self._half = (high + low) / 2, (high - low) / 2
        self.tasks = len(self._tasks)
        self.horizon = world.spec.horizon
        self.action_size = len(self._half)
        self.observation_size = sum(vector.size for vector in world.episodes.vectors)

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Start an episode for each attempt."""
        self._scenes = [self._tasks[attempt.task] for attempt in attempts]
        self._steps = 0
        return self._joined(self._pool.reset(self._scenes))

    def step(self, actions: np.ndarray) -> Step:
        """Step the environments; success is known after the last step."""
        executed = self._middle + self._half * np.clip(actions, -1, 1)
        observed = self._joined(self._pool.step(executed.astype(np.float32)))
        self._steps += 1
        reward = self._pool.rewards(self._scenes)[:, None]
        success = np.zeros(reward.shape, bool)
        if self._steps == self.horizon:
            unnamed = {"episode_id": "", "role": fields.ROLE_TRIAL}
            episodes = self._pool.finish([unnamed] * len(self._scenes))
            success[:, 0] = [e.metadata[fields.SUCCESS] for e in episodes]
        return Step(observed, reward, reward, success)

    def _joined(self, observed: Mapping[str, np.ndarray]) -> np.ndarray:
        count = len(self._scenes)
        vectors = [observed[name].reshape(count, -1) for name in self._names]
        return np.concatenate(vectors, axis=1, dtype=np.float32)
