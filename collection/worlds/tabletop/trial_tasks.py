"""Tabletop tasks for agents that learn from trials alone."""

from collections.abc import Sequence

import numpy as np

from wtl.collection.task_pool import Attempt, Step
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.progress import Progress
from wtl.datasets.contract import fields


class TabletopTasks:
    """Scenes of tasks as a `TaskPool`.

    All trials of a task are in one scene, where a rule comes down to its target. So a
    task here is a scene of a task of the distribution, and its goals are the targets by
    canonical index. The observed reward is sparse: 1 at the end if the goal is reached.
    """

    action_size = worlds.ACTION_SIZE
    horizon = tabletop_environment.HORIZON
    terminal = True

    def __init__(
        self,
        pool: ProcessVectorEnvironment,
        scenes_of: Sequence[tuple[Task, int]],
        shaped: bool = False,
    ):
        """Choose the tasks.

        Args:
          pool: vector environment without a camera.
          scenes_of: tasks, all with as many objects, and the seed of a scene of each.
          shaped: whether progress is added to the reward that learning maximises.
        """
        self._pool = pool
        self._shaped = shaped
        self._scenes = list(scenes_of)
        self.tasks = len(self._scenes)
        self.goals = self._scenes[0][0].object_set.size
        self.observation_size = observation.Layout(self.goals).state_size

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Start an episode for each attempt."""
        self._scene_configs = [
            SceneConfig(*self._scenes[attempt.task], attempt.goal)
            for attempt in attempts
        ]
        self._steps = 0
        observed = self._pool.reset(self._scene_configs)[fields.STATE]
        if self._shaped:
            self._progress = Progress(self._scene_configs)
            self._reached = self._progress.measure(observed)
        return observed

    def step(self, actions: np.ndarray) -> Step:
        """Step the physics; success is known after the last step."""
        observed = self._pool.step(actions)[fields.STATE]
        self._steps += 1
        success = np.zeros((len(self._scene_configs), self.goals), bool)
        if self._steps == self.horizon:
            success = self._success()
        observed_reward = reward = success.astype(np.float32)
        if self._shaped:
            before, self._reached = self._reached, self._progress.measure(observed)
            reward = observed_reward + self._reached - before
        return Step(observed, reward, observed_reward, success)

    def _success(self) -> np.ndarray:
        """[N, G] for which targets the goal of the family holds."""
        unnamed = {"episode_id": "", "role": fields.ROLE_TRIAL}
        episodes = self._pool.finish([unnamed] * len(self._scene_configs))
        success = np.zeros((len(episodes), self.goals), bool)
        for row, (scene_config, episode) in enumerate(
            zip(self._scene_configs, episodes)
        ):
            slot = episode.metadata[fields.HIDDEN_ACHIEVED]
            if slot >= 0:
                scene = scenes.draw(self.goals, scene_config.scene_seed)
                slots = scene.slots(scene_config.task.goal.kind)
                success[row, slots[slot % self.goals]] = True
            success[row, scene_config.target] = episode.metadata[fields.SUCCESS]
        return success
