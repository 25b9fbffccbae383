"""The tabletop as a world of one's own: images, and the robot's own numbers.

Nothing of entities, true states or rules is known to the learner. Each task has one
rule, which tells the thing to act on in each scene, and nothing is relabelled. The
image is declared a set: of the things that it shows.
"""

import functools

import dm_env

import wtl
from wtl.collection.worlds import registry
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.camera import CameraConfig

PIXELS = 64
_TABLETOP = registry.get("tabletop")
_OBSERVED = (fields.PROPRIOCEPTION, fields.IMAGE)
_DRAWN = 500  # tasks of a split, which are drawn at once


@functools.cache
def _drawn(split, seed, count):
    """Return tasks of the tabletop, each with objects and a rule of its own."""
    counts = {f"{name}_tasks": count for name in fields.SPLITS}
    distribution = TaskDistribution(
        train_object_sets=count, complete=False, seed=seed, **counts
    )
    return distribution.tasks(split)


def _tasks(split, seed, count):
    return [
        wtl.worlds.Task(
            task.task_id, task.family, split, {"index": index, "seed": seed}
        )
        for index, task in enumerate(_drawn(split, seed, count))
    ]


class TabletopImages(dm_env.Environment):
    """Environment of the tabletop without its states."""

    def __init__(self, task, seed):
        """Make a scene of a task."""
        index = task.parameters["index"]
        count = max(_DRAWN, index + 1)
        drawn = _drawn(task.split, task.parameters["seed"], count)[index]
        self.table = _TABLETOP.make_env(drawn, seed, CameraConfig(PIXELS))
        self._success = False

    def reset(self):
        """Start the episode."""
        return self._observed(self.table.reset())

    def step(self, action):
        """Step the tabletop."""
        timestep = self.table.step(action)
        self._success = bool(timestep.last() and timestep.reward)
        return self._observed(timestep)

    def succeeded(self):
        """Whether the goal is reached at the end."""
        return self._success

    def _observed(self, timestep):
        observed = {name: timestep.observation[name] for name in _OBSERVED}
        return timestep._replace(observation=observed)

    def observation_spec(self):
        """Image, and the robot's own numbers."""
        spec = self.table.observation_spec()
        return {name: spec[name] for name in _OBSERVED}

    def action_spec(self):
        """That of the tabletop."""
        return self.table.action_spec()


def _expert(task):
    state = {}

    def act(env, timestep):
        if timestep.first():
            scene = env.table.scene_config
            state["rng"] = seeding.generator(scene.scene_seed, "expert")
            state["act"] = _TABLETOP.expert(scene, state["rng"])
        return state["act"](env.table, 0.0, state["rng"]).recorded

    return act


wtl.worlds.register(
    wtl.worlds.dm_env(
        "tabletop_images",
        TabletopImages,
        _tasks,
        horizon=40,
        expert=_expert,
        sets=(fields.IMAGE,),
        deciding_steps=18,
    )
)
