"""Plan of the episodes to record, in order, and its progress."""

import dataclasses
from collections.abc import Collection, Sequence

from wtl.collection.worlds.entities import environment
from wtl.datasets.contract import fields


@dataclasses.dataclass(frozen=True)
class Item:
    """One episode to record.

    Attributes:
      setup: scene and target.
      episode_id: id of the episode.
      role: demonstration, trial or retrial.
      rule: the rule of the task, as text; empty where a training example draws it.
      shown: id of the demonstration that the operator or a policy is shown; empty for
        none.
      trial: id of the trial that a retrial follows.
    """

    setup: environment.Setup
    episode_id: str
    role: str = fields.ROLE_DEMO
    rule: str = ""
    shown: str = ""
    trial: str = ""


class Plan:
    """Items in order; discarded ones come again after all others."""

    def __init__(self, items: Sequence[Item], done: Collection[str]):
        """Plan the items that are left.

        Args:
          items: all of them.
          done: ids of episodes that are recorded already.
        """
        self._items = {item.episode_id: item for item in items}
        self._done = set(done) & set(self._items)
        self._queue = [i for i in self._items if i not in self._done]

    @property
    def current(self) -> Item | None:
        """The item to record now; None if all are recorded."""
        return self._items[self._queue[0]] if self._queue else None

    def complete(self):
        """Mark the current item as recorded."""
        self._done.add(self._queue.pop(0))

    def postpone(self):
        """Move the current item, and its retrial, behind all others."""
        name = self._queue[0]
        later = [i for i in self._queue if name in (i, self._items[i].trial)]
        self._queue = [i for i in self._queue if i not in later] + later

    def take_back(self, episode_id: str):
        """Make a recorded item the current one again."""
        self._done.remove(episode_id)
        self._queue.insert(0, episode_id)

    def is_done(self, episode_id: str | None) -> bool:
        """Return whether an episode is recorded and of this plan."""
        return episode_id in self._done

    def progress(self) -> dict:
        """Return counts as [done, all].

        They count episodes, tasks, episodes of the current task, and tasks by family.
        """
        episodes, families = {}, {}
        for name, item in self._items.items():
            task = item.setup.task
            count = episodes.setdefault((task.family, task.task_id), [0, 0])
            count[0] += name in self._done
            count[1] += 1
        for (family, _), (done, wanted) in episodes.items():
            count = families.setdefault(family, [0, 0])
            count[0] += done == wanted
            count[1] += 1
        now = self.current and self.current.setup.task
        return {
            "episodes": [len(self._done), len(self._items)],
            "tasks": [sum(column) for column in zip(*families.values(), strict=True)],
            "task": episodes[now.family, now.task_id] if now else [0, 0],
            "families": families,
        }
