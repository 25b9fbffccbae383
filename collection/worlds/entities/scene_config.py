"""Scene config of one episode: a scene of a task, the target in it, and the body."""

import dataclasses
from typing import TYPE_CHECKING

from wtl.collection.worlds.entities.embodiment import Embodiment

if TYPE_CHECKING:
    from wtl.collection.worlds.entities.task import Task


@dataclasses.dataclass(frozen=True)
class SceneConfig:
    """Scene config of one episode.

    Attributes:
      task: the task.
      scene_seed: seed of the initial poses.
      target: canonical index of the target.
      embodiment: the body that acts.
      nominal_actuators: whether the body has nominal actuators whatever the gains of
        the task, as scripted experts have.
      attempt: name of the attempt in this scene; with noise on the initial poses every
        attempt starts a little different.
    """

    task: "Task"
    scene_seed: int
    target: int
    embodiment: Embodiment = Embodiment.ROBOT
    nominal_actuators: bool = False
    attempt: str = ""

    def gains(self, step: int) -> tuple[float, ...]:
        """Return the actuator gains of the body at a control step; none for nominal."""
        nominal = self.nominal_actuators or self.is_human or step < self.task.onset
        return () if nominal else self.task.gains

    @property
    def is_human(self) -> bool:
        """Whether the simulated human acts."""
        return self.embodiment is Embodiment.HUMAN

    @property
    def body(self) -> str:
        """Name of the body that acts: `human`, or the robot of the task."""
        return Embodiment.HUMAN if self.is_human else self.task.robot

    @property
    def slot(self) -> int:
        """Observation slot of the target."""
        return self.task.slot_of(self._poses, self.target)

    @property
    def place(self) -> int:
        """Slot of the target where slots are in order of place, from left to right."""
        return self.task.place_of(self._poses, self.target)

    @property
    def _poses(self):
        return self.task.object_set.scene(self.scene_seed)

    def by_human(self) -> "SceneConfig":
        """Return the same scene with the simulated human in place of the robot."""
        return dataclasses.replace(self, embodiment=Embodiment.HUMAN)
