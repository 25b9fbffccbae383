"""Steps of the environment versus steps of MuJoCo, for the same physics."""

import mujoco
import numpy as np

from benchmarks import comparison
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.experts import DEMONSTRATORS
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields


class Replay:
    """Demonstration to replay through the environment or through MuJoCo.

    Attributes:
      env: its environment.
      actions: its actions.
    """

    def __init__(self, scene_config):
        """Record a demonstration of the scripted expert in a scene."""
        self._scene_config = scene_config
        self.env = Manipulation(scene_config)
        world = self.env.world
        timestep = self.env.reset()
        self.actions, controls = [], []
        expert = DEMONSTRATORS[scene_config.task.family]
        while not timestep.last():
            before = world.data.ctrl.copy()
            self.actions.append(expert(world, scene_config.target).action)
            timestep = self.env.step(self.actions[-1])
            ramp = np.arange(1, worlds.CHUNKS + 1)[:, None] / worlds.CHUNKS
            controls.append(before + ramp * (world.data.ctrl - before))
        assert timestep.reward > 0, scene_config.task.family
        self._controls = np.concatenate(controls)
        self._end = world.data.qpos.copy()

    def reset(self):
        """Return to the beginning."""
        self.env.prepare(self._scene_config)
        self.env.reset()

    def step_environment(self):
        """Take all actions."""
        for action in self.actions:
            self.env.step(action)

    def step_physics(self):
        """Step MuJoCo alone with the same controls."""
        model, data = self.env.world.model, self.env.world.data
        for control in self._controls:
            data.ctrl[:] = control
            mujoco.mj_step(model, data, worlds.SUBSTEPS_PER_CHUNK)
        # The motion is the same, up to the rounding of the ramp.
        assert np.allclose(data.qpos, self._end, atol=1e-3)


def replays(families: tuple[str, ...], **options) -> list[Replay]:
    """Return a demonstration of each family; options of the task distribution."""
    count = len(families)
    tasks = TaskDistribution(
        train_tasks=count, train_object_sets=count, families=families, **options
    )
    return [
        Replay(tasks.demonstration_scenes(task)[0])
        for task in tasks.tasks(fields.SPLIT_TRAIN)
    ]


def run() -> list[comparison.Comparison]:
    """Measure demonstrations of every family."""
    played = replays(tuple(FAMILIES))
    of_arm = replays(tuple(FAMILIES), robot="ur10e")
    return [
        comparison.compare(
            "environment step / mj_step",
            lambda: [replay.step_environment() for replay in played],
            lambda: [replay.step_physics() for replay in played],
            before=lambda: [replay.reset() for replay in played],
            unit="control steps",
            amount=sum(len(replay.actions) for replay in played),
            goal=0.8,
        ),
        comparison.compare(
            "environment step, arm / free gripper",
            lambda: [replay.step_environment() for replay in of_arm],
            lambda: [replay.step_environment() for replay in played],
            before=lambda: [replay.reset() for replay in (*played, *of_arm)],
            unit="control steps",
            amount=sum(len(replay.actions) for replay in played),
            goal=0.5,
        ),
    ]
