"""Task and scene of a world without entities."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from wtl.collection import opengl
from wtl.datasets.contract.errors import UserError


@dataclasses.dataclass(frozen=True)
class PlainTask:
    """Task of a world without entities.

    Attributes:
      task_id: name, unique in the world.
      family: name of its family.
      split: `train`, `val` or `test`.
      parameters: JSON-able description of what sets it apart.
      instruction: sentence that describes it.
      domain: name of its world; the world sets it.
    """

    task_id: str
    family: str
    split: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    instruction: str = ""
    domain: str = ""

    rule: ClassVar[str] = ""
    friction: ClassVar[float] = -1.0  # unknown
    hidden: ClassVar[tuple[float, ...]] = ()

    def scene(self, scene_seed: int, rule: str = "") -> "PlainScene":
        """Return the scene of a seed."""
        del rule
        return PlainScene(self, scene_seed)

    def scene_of(self, scene_seed: int, target: int) -> "PlainScene":
        """Return the scene of a seed; there is one target."""
        del target
        return PlainScene(self, scene_seed)

    def target_at(self, scene_seed: int, slot: int) -> int:
        """Return 0, the number of the only target."""
        del scene_seed, slot
        return 0


@dataclasses.dataclass(frozen=True)
class PlainScene:
    """Scene of a task without entities.

    Attributes:
      task: the task.
      scene_seed: seed of the environment.
      attempt: name of the attempt in this scene.
      nominal_actuators: without effect.
    """

    task: PlainTask
    scene_seed: int
    attempt: str = ""
    nominal_actuators: bool = False

    is_human: ClassVar[bool] = False
    target: ClassVar[int] = 0
    slot: ClassVar[int] = 0
    place: ClassVar[int] = 0

    def error(self, message: str) -> UserError:
        """Return an error that names world, task and scene seed."""
        return UserError(
            f"world {self.task.domain!r}, task {self.task.task_id!r}, scene seed "
            f"{self.scene_seed}: {message}"
        )

    @contextlib.contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Raise what fails in the code of a user as such an error."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            hint = opengl.advice(error)
            what = f"{what}: {type(error).__name__}: {error}{hint}"
            raise self.error(what) from error
