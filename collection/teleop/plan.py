"""Plan of the episodes to record, in order, and its progress."""

from collections.abc import Collection, Sequence

from wtl.collection.episode_request import EpisodeRequest


class Plan:
    """Requests in order; discarded ones come again after all others."""

    def __init__(self, requests: Sequence[EpisodeRequest], done: Collection[str]):
        """Plan all requests but those whose episodes, by id, are recorded."""
        self._requests = {request.episode_id: request for request in requests}
        self._done = set(done) & set(self._requests)
        self._queue = [i for i in self._requests if i not in self._done]

    @property
    def current(self) -> EpisodeRequest | None:
        """The request to record now; None if all are recorded."""
        return self._requests[self._queue[0]] if self._queue else None

    def complete(self):
        """Mark the current request as recorded."""
        self._done.add(self._queue.pop(0))

    def postpone(self):
        """Move the current request, and its retrial, behind all others."""
        name = self._queue[0]
        later = [i for i in self._queue if name in (i, *self._requests[i].trial_ids)]
        self._queue = [i for i in self._queue if i not in later] + later

    def take_back(self, episode_id: str):
        """Make a recorded request the current one again."""
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
        for name, request in self._requests.items():
            task = request.scene.task
            count = episodes.setdefault((task.family, task.task_id), [0, 0])
            count[0] += name in self._done
            count[1] += 1
        for (family, _), (done, wanted) in episodes.items():
            count = families.setdefault(family, [0, 0])
            count[0] += done == wanted
            count[1] += 1
        now = self.current and self.current.scene.task
        return {
            "episodes": [len(self._done), len(self._requests)],
            "tasks": [sum(column) for column in zip(*families.values(), strict=True)],
            "task": episodes[now.family, now.task_id] if now else [0, 0],
            "families": families,
        }
