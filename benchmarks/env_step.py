"""Steps of the environment versus steps of MuJoCo, for the same physics."""

import mujoco
import numpy as np

from benchmarks import comparison
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import families
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.tabletop import TABLETOP
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields


class _Episode:
    """Demonstration to replay through the environment or through MuJoCo."""

    def __init__(self, scene_config: SceneConfig):
        self._env = tabletop_environment.Manipulation(scene_config)
        self._scene_config = scene_config
        world = self._env.world
        timestep = self._env.reset()
        self._actions, controls = [], []
        expert = TABLETOP.experts[scene_config.task.family]
        while not timestep.last():
            before = world.data.ctrl.copy()
            self._actions.append(expert(world, scene_config.target).action)
            timestep = self._env.step(self._actions[-1])
            ramp = np.arange(1, worlds.CHUNKS + 1)[:, None] / worlds.CHUNKS
            controls.append(before + ramp * (world.data.ctrl - before))
        self._controls = np.concatenate(controls)
        self._end = world.data.qpos.copy()

    def reset(self):
        self._env.prepare(self._scene_config)
        self._env.reset()

    def step_environment(self) -> int:
        for action in self._actions:
            self._env.step(action)
        return len(self._actions)

    def step_physics(self) -> int:
        model, data = self._env.world.model, self._env.world.data
        for control in self._controls:
            data.ctrl[:] = control
            mujoco.mj_step(model, data, worlds.SUBSTEPS_PER_CHUNK)
        # The motion is the same, up to the rounding of the ramp.
        assert np.allclose(data.qpos, self._end, atol=1e-3)
        return len(self._actions)


def run() -> list[comparison.Comparison]:
    """Measure demonstrations of every family."""
    tasks = TaskDistribution(
        train_tasks=len(families.FAMILIES), train_object_sets=len(families.FAMILIES)
    )
    played = [
        _Episode(tasks.demonstration_scenes(task)[0])
        for task in tasks.tasks(fields.SPLIT_TRAIN)
    ]

    def reset():
        for episode in played:
            episode.reset()

    return [
        comparison.compare(
            "environment step / mj_step",
            lambda: sum(episode.step_environment() for episode in played),
            lambda: sum(episode.step_physics() for episode in played),
            before=reset,
            unit="control steps",
            goal=0.8,
        )
    ]
