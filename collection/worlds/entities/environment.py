"""Environment of scenes of tasks, a `dm_env.Environment`."""

import abc
import dataclasses

import dm_env
import numpy as np
from dm_env import specs

from wtl.collection.worlds.entities import actuator_gains
from wtl.collection.worlds.entities import task as tasks
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract import layout as layouts


@dataclasses.dataclass(frozen=True)
class SceneConfig:
    """Scene config of one episode: a scene of a task, and the target in it.

    Attributes:
      task: the task.
      scene_seed: seed of the initial poses.
      target: canonical index of the target object, or button in families on buttons.
      embodiment: the body that acts.
      nominal_actuators: whether the body has nominal actuators whatever the gains of
        the task, as scripted experts have.
      attempt: name of the attempt in this scene; with noise on the initial poses every
        attempt starts a little different.
    """

    task: tasks.Task
    scene_seed: int
    target: int
    embodiment: Embodiment = Embodiment.ROBOT
    nominal_actuators: bool = False
    attempt: str = ""

    @property
    def gains(self) -> tuple[float, ...]:
        """Actuator gains of the body; none for nominal actuators."""
        return () if self.nominal_actuators or self.is_human else self.task.gains

    @property
    def is_human(self) -> bool:
        """Whether the simulated human acts."""
        return self.embodiment is Embodiment.HUMAN

    @property
    def slot(self) -> int:
        """Observation slot of the target."""
        return slot_of(self.task, self._scene, self.target)

    @property
    def place(self) -> int:
        """Slot of the target where slots are in order of place, from left to right."""
        return place_of(self.task, self._scene, self.target)

    @property
    def _scene(self):
        return self.task.object_set.scene(self.scene_seed)

    @classmethod
    def by_rule(
        cls, task: tasks.Task, rule: tasks.Rule, scene_seed: int
    ) -> "SceneConfig":
        """Return the scene config in which `rule` picks the target."""
        scene = task.object_set.scene(scene_seed)
        return cls(task, scene_seed, referent(task, rule, scene))


def referent(task: tasks.Task, rule: tasks.Rule, scene) -> int:
    """Return the canonical index of the entity that `rule` picks in `scene`."""
    if rule.kind is tasks.RuleKind.IDENTITY:
        return rule.index
    return int(np.flatnonzero(scene.places(task.goal.kind) == rule.index)[0])


def slot_of(task: tasks.Task, scene, index: int) -> int:
    """Return the observation slot of a canonical index; kinds follow each other."""
    kind = task.goal.kind
    slot = int(np.flatnonzero(scene.slots(kind) == index)[0])
    return kind * task.object_set.size + slot


def place_of(task: tasks.Task, scene, index: int) -> int:
    """Return the slot of a canonical index where slots are in order of place."""
    kind = task.goal.kind
    return kind * task.object_set.size + int(scene.places(kind)[index])


class SceneEnvironment(dm_env.Environment):
    """Environment with reward 1 at the end of an episode whose goal is reached.

    `reset` starts the scene config given to `prepare`; without one it goes through
    scenes of its task, whose seeds derive from the episode's number.

    Attributes:
      horizon: control steps of an episode.
      axes: names of the A dimensions of the action.
      control_hz: control steps per second.
      world: privileged access to the physics, for experts and success tests.
      layout: of the observed states.
    """

    horizon: int
    axes: tuple[str, ...]
    control_hz: float

    def __init__(self, scene_config: SceneConfig, world, layout: layouts.Layout):
        """Create an environment whose first episode is `scene_config`."""
        self.world = world
        self.layout = layout
        self._next: SceneConfig | None = scene_config
        self._scene_config = scene_config
        self._episode = 0
        self._step = self.horizon

    @property
    def scene_config(self) -> SceneConfig:
        """Scene config of the current episode."""
        return self._scene_config

    @property
    def target_slot(self) -> int:
        """Observation slot of the target."""
        return slot_of(
            self._scene_config.task, self.world.scene, self._scene_config.target
        )

    @property
    def progress(self) -> float:
        """Share of the horizon that has passed."""
        return self._step / self.horizon

    def prepare(self, scene_config: SceneConfig):
        """Choose the scene config of the next `reset`."""
        self._next = scene_config

    def reset(self) -> dm_env.TimeStep:
        """Start the next episode."""
        if self._next is None:
            self._episode += 1
            scene_seed = seeding.derive_seed(
                self._scene_config.scene_seed, self._episode
            )
            self._next = dataclasses.replace(self._scene_config, scene_seed=scene_seed)
        self._scene_config, self._next = self._next, None
        self._place()
        self._step = 0
        return dm_env.restart(self._observation())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Command a float[A] action in [-1, 1]; see `World.step` for the units."""
        if self._step >= self.horizon:
            return self.reset()
        command = np.asarray(action, np.float64)
        self.world.step(actuator_gains.motion(command, self._scene_config.gains))
        self._step += 1
        reward = self._shaping()
        if self._step < self.horizon:
            return dm_env.transition(reward, self._observation())
        # The horizon is part of the task, hence a discount of zero.
        reward += float(self.achieved(self._scene_config.target))
        return dm_env.termination(reward, self._observation())

    def achieved(self, index: int) -> bool:
        """Whether the goal of the family holds for a canonical index."""
        return self._scene_config.task.goal.achieved(self.world, index)

    def achieved_slot(self) -> int:
        """Slot of the entity for which the goal holds, or -1."""
        for index in range(self._scene_config.task.object_set.size):
            if self.achieved(index):
                return slot_of(self._scene_config.task, self.world.scene, index)
        return -1

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of `state`."""
        shape = (self.layout.state_size,)
        return {fields.STATE: specs.Array(shape, np.float32, fields.STATE)}

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the float32[A] action in [-1, 1]."""
        shape = (len(self.axes),)
        return specs.BoundedArray(shape, np.float32, -1.0, 1.0, "action")

    @abc.abstractmethod
    def _place(self):
        """Put the world into the scene of the current episode."""

    @abc.abstractmethod
    def _observation(self) -> dict[str, np.ndarray]:
        """Return the current observations by name."""

    def _shaping(self) -> float:
        """Return the term added to the sparse reward at each step."""
        return 0.0
