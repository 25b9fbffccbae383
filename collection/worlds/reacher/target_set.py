"""Targets of a task, which differ by colour."""

import dataclasses

from wtl.collection.worlds.entities import colours
from wtl.collection.worlds.reacher import scene as scenes
from wtl.datasets.contract import seeding


@dataclasses.dataclass(frozen=True)
class TargetSet:
    """Targets in every scene of a task.

    Attributes:
      name: `SPLIT-INDEX`, unique over all splits.
      rgbs: one colour per target; their order is the canonical index.
    """

    name: str
    rgbs: tuple[tuple[float, float, float], ...]

    @property
    def size(self) -> int:
        """Number of targets."""
        return len(self.rgbs)

    @property
    def present(self) -> int:
        """Number of targets in the scenes."""
        return self.size

    def scene(self, scene_seed: int) -> scenes.Scene:
        """Return the scene of a seed."""
        return scenes.draw(self.size, scene_seed)


def draw(name: str, size: int, seed: int) -> TargetSet:
    """Draw a set of `size` targets, a pure function of the arguments."""
    rng = seeding.generator(seed, "target_set", name)
    return TargetSet(name, tuple(colours.draw(rng, size)))
