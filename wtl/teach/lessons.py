"""Lessons: held-out tasks, what is recorded of them, and scenes to try them in."""

import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Scene, Task
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.reader import EpisodesById
from wtl.datasets.reading.store import EpisodeStore
from wtl.teach import belief

_SCENES = 8  # of which one is chosen where the readings of the demonstration differ


@dataclasses.dataclass(frozen=True, eq=False)
class Recorded:
    """Recorded demonstrations of held-out tasks.

    Attributes:
      store: their metadata.
      episodes: the episodes, by id.
    """

    store: EpisodeStore
    episodes: EpisodesById

    def find(self, task: Task, scene_seed: int) -> str | None:
        """Return the id of a demonstration of a task in a scene, if there is one."""
        rows = (self.store[fields.TASK_ID] == task.task_id) & (
            self.store[fields.SCENE_SEED] == scene_seed
        )
        names = self.store[fields.EPISODE_ID][rows]
        return str(names[0]) if len(names) else None


@dataclasses.dataclass(frozen=True, eq=False)
class Lesson:
    """Task to be taught.

    Attributes:
      task: the task.
      demo_scene: scene to demonstrate it in, with nominal actuators.
      recorded: ids of recorded demonstrations in that scene, by source.
      scene_seeds: seeds of scenes to try it in, in order.
    """

    task: Task
    demo_scene: Scene
    recorded: Mapping[str, str]
    scene_seeds: Sequence[int]


class Lessons:
    """Lessons of every family, one after the other.

    Attributes:
      families: names of the families of the tasks.
    """

    def __init__(
        self, suite: TaskDistribution, split: str, recorded: Mapping[str, Recorded]
    ):
        """Plan lessons of the tasks of a split, with recorded demonstrations.

        Raises:
          UserError: if there are no tasks.
        """
        self._suite = suite
        self._recorded = recorded
        self._tasks = collections.defaultdict(list)
        for task in suite.tasks(split):
            self._tasks[task.family].append(task)
        self.families = [f for f in suite.family_names if f in self._tasks]
        if not self.families:
            raise UserError(f"there is no task to teach: suite.{split}_tasks is 0")
        self._turns = itertools.cycle(self.families)
        self._given = collections.Counter()

    def next(self, family: str = "") -> Lesson:
        """Return the next lesson of a family; by default of the next family."""
        family = family or next(self._turns)
        number = self._given[family]
        self._given[family] += 1
        index, task_number = divmod(number, len(self._tasks[family]))
        task = self._tasks[family][task_number]
        demo_seed = self._suite.scene_seed(task, "demo", index)
        found = {
            source: known.find(task, demo_seed)
            for source, known in self._recorded.items()
        }
        if number and not any(found.values()):
            self._given[family] = 0  # all that is recorded was taught: start over
            return self.next(family)
        demo_scene = task.scene(demo_seed)
        return Lesson(
            task=task,
            demo_scene=dataclasses.replace(demo_scene, nominal_actuators=True),
            recorded={source: name for source, name in found.items() if name},
            scene_seeds=self._scene_seeds(task, demo_seed, demo_scene.slot),
        )

    def _scene_seeds(self, task: Task, demo_seed: int, slot: int) -> list[int]:
        """Return seeds of scenes, first those where one demonstration is ambiguous."""
        seeds = [self._suite.scene_seed(task, "evaluation", i) for i in range(_SCENES)]

        def is_clear(seed: int) -> bool:
            found = belief.readings(task, demo_seed, slot, seed)
            return len(set(found.values())) < 2

        return sorted(seeds, key=is_clear)
