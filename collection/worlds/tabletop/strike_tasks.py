"""Strikes of pucks with hidden dynamics to targets, for agents that learn from trials.

The problem of Arndt et al., "Meta Reinforcement Learning for Sim-to-real Domain
Adaptation", ICRA 2020: a robot strikes a puck, whose friction it does not know, so that
it comes to rest at a target out of reach.
"""

from collections.abc import Sequence

import numpy as np

from wtl.collection.task_pool import Attempt, Step
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import observation as observations
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.experts.expert import CLOSED, TRAVEL_HEIGHT
from wtl.collection.worlds.tabletop.experts.slide import BEHIND, STRIKE_HEIGHT
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.layout import slices

# Name and width of the parts of an observation, in order.
OBSERVATION = {
    "setpoint": 4,  # m, m, m, rad
    "shape": 4,  # half sizes in m, and whether it is a box
    "sin_cos_yaw": 2,  # of the puck
    "place": 2,  # x, y of the puck, m
    "target": 2,  # x, y, m
}
_AT = slices(OBSERVATION)

# Targets, metres: x beside the middle of the puck's lane, and y, out of reach.
_TARGET_X, _TARGET_Y = (-0.05, 0.05), (0.25, 0.45)
_RADIUS = 0.05  # metres to the target that count as a success

# Scripted strikes: length, m, and direction from straight ahead, rad.
_LENGTH, _DIRECTION = (0.07, 0.32), (-0.25, 0.25)


class StrikeTasks:
    """Pucks in their scenes, each with a target, as a `TaskPool`.

    The puck is the first object of a scene. It lies a little different in each trial.
    The observed reward is minus the distance to the target at the end, metres.

    Attributes:
      place: part of an observation that is where the puck lies.
      target: part of an observation that is where it is wanted.
      commands: C, actions of a strike.
      rest: [A] action for the rest of a trial.
      hidden: [tasks, H] hidden dynamics of each puck.
    """

    observation_size = sum(OBSERVATION.values())
    action_size = worlds.ACTION_SIZE
    horizon = 20
    terminal = True
    goals = 1
    place = _AT["place"]
    target = _AT["target"]
    commands = 5
    rest = Manipulation.rest

    def __init__(
        self, pool: ProcessVectorEnvironment, scenes_of: Sequence[tuple[Task, int]]
    ):
        """Choose the tasks.

        Args:
          pool: vector environment without a camera.
          scenes_of: tasks with hidden dynamics, and the seed of a scene of each.
        """
        self._pool = pool
        self._scenes = list(scenes_of)
        self.tasks = len(self._scenes)
        self.hidden = np.array([task.puck.hidden for task, _ in self._scenes])
        self._layout = observations.Layout(self._scenes[0][0].object_set.size)

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Put the puck of each attempt on the table."""
        scenes, targets, slots = [], [], []
        for attempt in attempts:
            task, seed = self._scenes[attempt.task]
            scenes.append(SceneConfig(task, seed, 0, attempt=str(attempt.start)))
            poses = task.object_set.scene(seed)
            rng = seeding.generator("strike", seed)
            lane = poses.object_poses[0, 0]
            targets.append((lane + rng.uniform(*_TARGET_X), rng.uniform(*_TARGET_Y)))
            slots.append(scenes[-1].slot)
        self._targets, self._slots = np.array(targets), np.array(slots)
        self._stride = np.array([s.task.puck.stride for s in scenes])
        self._steps = 0
        return self._observed(self._pool.reset(scenes)[fields.STATE])

    def step(self, actions: np.ndarray) -> Step:
        """Step the physics; the last step tells how far the target was missed."""
        observed = self._observed(self._pool.step(actions)[fields.STATE])
        self._steps += 1
        missed = np.linalg.norm(observed[:, self.place] - self._targets, axis=1)
        is_last = self._steps == self.horizon
        reward = (-missed if is_last else 0 * missed)[:, None].astype(np.float32)
        return Step(observed, reward, reward, is_last & (missed <= _RADIUS)[:, None])

    def _observed(self, states: np.ndarray) -> np.ndarray:
        rows = self._layout.split(states)
        puck = rows["objects"][np.arange(len(states)), self._slots]
        at = slices(observations.OBJECT)
        setpoint = rows["gripper"][:, slices(observations.GRIPPER)["setpoint"]]
        shape = puck[:, at["half_sizes"]], puck[:, at["is_box"]]
        yaw, place = puck[:, at["sin_cos_yaw"]], puck[:, at["position"]][:, :2]
        parts = [setpoint, *shape, yaw, place, self._targets]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def scripted(self, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return actions [N, C, A] of random strikes, given observations [N, S].

        They go above a place behind the puck, down, and strike in one control step. No
        feedback is needed, since setpoints follow commands exactly.
        """
        count = len(start)
        length = rng.uniform(*_LENGTH, count)
        direction = rng.uniform(*_DIRECTION, count)
        ahead = np.stack([np.sin(direction), np.cos(direction)], axis=1)
        behind = start[:, self.place] - BEHIND * ahead
        is_box = start[:, _AT["shape"]][:, -1]
        sine, cosine = start[:, _AT["sin_cos_yaw"]].T
        yaw = np.arctan2(sine, cosine) * is_box  # the fingers face a box squarely
        struck = behind + length[:, None] * ahead

        def at(place, height):
            return np.column_stack([place, np.full(count, height), yaw])

        above, low = at(behind, TRAVEL_HEIGHT), at(behind, STRIKE_HEIGHT)
        ways = (above, above, low, low, at(struck, STRIKE_HEIGHT))
        scale = np.full((count, 4), worlds.YAW_STEP)
        scale[:, :3] = self._stride[:, None]
        setpoint, actions = start[:, _AT["setpoint"]], []
        for way in ways:
            moved = np.clip((way - setpoint) / scale, -1, 1)
            setpoint = setpoint + moved * scale
            actions.append(np.column_stack([moved, np.full(count, CLOSED)]))
        return np.stack(actions, axis=1).astype(np.float32)
