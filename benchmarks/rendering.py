"""Images of the tabletop versus MuJoCo's own renderer of the same states."""

import contextlib
import importlib

import mujoco
from mujoco.rendering.classic import gl_context

from benchmarks import comparison
from wtl.collection import opengl
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import appearance, renderer
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields

_SIDES = (64, 100)
_FRAMES = 20


def run() -> list[comparison.Comparison]:
    """Measure frames of each size; both without shadows and multisampling."""
    backend, _ = opengl.find_renderer()
    # MuJoCo chose a backend on import, before one was searched.
    gl_context.GLContext = importlib.import_module(f"mujoco.{backend}").GLContext
    tasks = TaskDistribution(train_tasks=1, train_object_sets=1)
    (task,) = tasks.tasks(fields.SPLIT_TRAIN)
    return [_of_side(side, tasks.demonstration_scenes(task)[0]) for side in _SIDES]


def _of_side(side: int, scene_config: SceneConfig) -> comparison.Comparison:
    look = appearance.draw_robot(scene_config.scene_seed)
    env = Manipulation(scene_config)
    env.reset()
    model, data = env.world.model, env.world.data
    ours = renderer.shared(side, scene_config.task.object_set.size)
    model.vis.global_.offwidth = model.vis.global_.offheight = side
    model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
    bare = mujoco.Renderer(model, side, side)
    camera = mujoco.MjvCamera()
    camera.lookat[:] = look.camera.lookat
    camera.distance, camera.azimuth = look.camera.distance, look.camera.azimuth
    camera.elevation = look.camera.elevation

    def render_bare():
        bare.update_scene(data, camera)
        bare.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        bare.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        bare.render()

    with contextlib.closing(bare), contextlib.closing(ours):
        return comparison.compare(
            f"{side} x {side} images / mujoco.Renderer",
            lambda: ours.render(model, data, look),
            render_bare,
            unit="frames",
            calls=_FRAMES,
            goal=1 / 1.2,
        )
