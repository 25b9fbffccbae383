"""The environment: scenes of tasks as a `dm_env.Environment`."""

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
class Setup:
    """One episode to be played: a scene of a task, and the target in it.

    Attributes:
      task: the task.
      scene_seed: seed of the initial poses.
      target: canonical index of the target object, or button in families on buttons.
      embodiment: the body that acts.
      sound: whether its motors are sound whatever those of the task are, as are those
        of whoever demonstrates.
      attempt: names the attempt in this scene; where objects are put down inexactly,
        every attempt starts a little different.
    """

    task: tasks.Task
    scene_seed: int
    target: int
    embodiment: Embodiment = Embodiment.ROBOT
    sound: bool = False
    attempt: str = ""

    @property
    def gains(self) -> tuple[float, ...]:
        """Gains of the motors of the body that acts; none where they are sound."""
        human = self.embodiment is Embodiment.HUMAN
        return () if self.sound or human else self.task.gains

    @property
    def is_human(self) -> bool:
        """Whether the simulated human acts."""
        return self.embodiment is Embodiment.HUMAN

    @property
    def slot(self) -> int:
        """Observation slot of the target."""
        scene = self.task.object_set.scene(self.scene_seed)
        return slot_of(self.task, scene, self.target)

    @property
    def place(self) -> int:
        """Slot of the target, were the slots in order of place from left to right."""
        scene = self.task.object_set.scene(self.scene_seed)
        return place_of(self.task, scene, self.target)

    @classmethod
    def by_rule(cls, task: tasks.Task, rule: tasks.Rule, scene_seed: int) -> "Setup":
        """The setup in which `rule` picks the target."""
        scene = task.object_set.scene(scene_seed)
        return cls(task, scene_seed, referent(task, rule, scene))


def referent(task: tasks.Task, rule: tasks.Rule, scene) -> int:
    """Canonical index of the entity that `rule` picks in `scene`."""
    if rule.kind is tasks.RuleKind.IDENTITY:
        return rule.index
    return int(np.flatnonzero(scene.places(task.goal.kind) == rule.index)[0])


def slot_of(task: tasks.Task, scene, index: int) -> int:
    """Observation slot of a canonical index; kinds follow each other."""
    kind = task.goal.kind
    slot = int(np.flatnonzero(scene.slots(kind) == index)[0])
    return kind * task.object_set.size + slot


def place_of(task: tasks.Task, scene, index: int) -> int:
    """Like `slot_of`, were the slots in order of place from left to right."""
    kind = task.goal.kind
    return kind * task.object_set.size + int(scene.places(kind)[index])


class SceneEnvironment(dm_env.Environment):
    """Plays setups; reward 1 at the end of an episode whose goal is reached.

    `reset` plays the setup given to `prepare`; without one it goes through scenes of
    its own task, whose seeds derive from the episode's number.

    Attributes:
      horizon: control steps of an episode.
      axes: names of the A dimensions of the action.
      control_hz: control steps per second.
      world: privileged access to the physics, for demonstrators and success tests.
      layout: of the observed states.
    """

    horizon: int
    axes: tuple[str, ...]
    control_hz: float

    def __init__(self, setup: Setup, world, layout: layouts.Layout):
        """Creates an environment; see the attributes.

        Args:
          setup: its first episode.
          world: as the attribute.
          layout: as the attribute.
        """
        self.world = world
        self.layout = layout
        self._next: Setup | None = setup
        self._setup = setup
        self._episode = 0
        self._step = self.horizon

    @property
    def setup(self) -> Setup:
        """What is being played."""
        return self._setup

    @property
    def target_slot(self) -> int:
        """Observation slot of the target."""
        return slot_of(self._setup.task, self.world.scene, self._setup.target)

    @property
    def progress(self) -> float:
        """Share of the horizon that has passed."""
        return self._step / self.horizon

    def prepare(self, setup: Setup):
        """Chooses what the next `reset` starts."""
        self._next = setup

    def reset(self) -> dm_env.TimeStep:
        """Starts the next episode."""
        if self._next is None:
            self._episode += 1
            scene_seed = seeding.derive_seed(self._setup.scene_seed, self._episode)
            self._next = dataclasses.replace(self._setup, scene_seed=scene_seed)
        self._setup, self._next = self._next, None
        self._place()
        self._step = 0
        return dm_env.restart(self._observation())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Commands a float[A] action in [-1, 1]; see `World.step` for the units."""
        if self._step >= self.horizon:
            return self.reset()
        command = np.asarray(action, np.float64)
        self.world.step(actuator_gains.motion(command, self._setup.gains))
        self._step += 1
        reward = self._shaping()
        if self._step < self.horizon:
            return dm_env.transition(reward, self._observation())
        # The horizon is part of the task, hence a discount of zero.
        reward += float(self.achieved(self._setup.target))
        return dm_env.termination(reward, self._observation())

    def achieved(self, index: int) -> bool:
        """Whether the goal of the family holds for a canonical index."""
        return self._setup.task.goal.achieved(self.world, index)

    def achieved_slot(self) -> int:
        """Slot of the entity for which the goal holds, or -1."""
        for index in range(self._setup.task.object_set.size):
            if self.achieved(index):
                return slot_of(self._setup.task, self.world.scene, index)
        return -1

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of `state`."""
        return {
            fields.STATE: specs.Array(
                (self.layout.state_size,), np.float32, fields.STATE
            )
        }

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the float32[A] action in [-1, 1]."""
        shape = (len(self.axes),)
        return specs.BoundedArray(shape, np.float32, -1.0, 1.0, "action")

    @abc.abstractmethod
    def _place(self):
        """Puts the world into the scene of the setup."""

    @abc.abstractmethod
    def _observation(self) -> dict[str, np.ndarray]:
        """What is observed now, by name."""

    def _shaping(self) -> float:
        """What is added to the sparse reward at each step."""
        return 0.0
