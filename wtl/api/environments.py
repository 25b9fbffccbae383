"""Environments of a world for the user's own loops."""

from wtl.collection.environment_process import EnvironmentProcess
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Environment
from wtl.datasets.contract import fields, seeding, splits
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean


def make_env(
    world: str = registry.DEFAULT,
    *,
    task: int = 0,
    split: str = fields.SPLIT_TEST,
    seed: int = 0,
    scene: int = 0,
    pixels: int = 0,
    **options,
) -> Environment:
    """Return an environment of one task of a world.

    Args:
      world: name of the world.
      task: number of the task within the split.
      split: `train`, `val` or `test`.
      seed: seed of the tasks.
      scene: number of the first scene; each `reset` after the first starts another.
      pixels: height and width of images that it observes too; 0 for none. Images are
        rendered in a process of their own, since Mesa and TensorFlow clash in one.
      **options: further options of the world's tasks, such as `size=3`.

    Returns:
      A `dm_env.Environment`. Its last reward is above 0 where the episode succeeds.

    Raises:
      UserError: if there is no such world, task or camera, or an option is unknown.
    """
    if world not in registry.names():
        known = ", ".join(registry.names())
        raise UserError(
            f"world {world!r} is none of {known}; import the module that registers it"
            + did_you_mean(world, registry.names())
        )
    splits.require([split])
    found = registry.get(world)
    if pixels and not found.has_cameras:
        raise UserError(f"world {world!r} has no camera; leave pixels at 0")
    try:
        tasks = found.tasks(split, seed, **options)
    except TypeError as error:
        raise UserError(f"the options do not fit world {world!r}: {error}") from error
    if not 0 <= task < len(tasks):
        raise UserError(f"{split} has {len(tasks)} tasks; there is no task {task}")
    chosen = tasks[task]
    scene_seed = seeding.derive_seed(seed, "scene", chosen.task_id, "api", scene)
    make = EnvironmentProcess if pixels else found.make_env
    return make(chosen, scene_seed, CameraConfig(pixels))
