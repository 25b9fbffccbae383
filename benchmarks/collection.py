"""Collection by two processes versus one, and durable versus discarded episodes."""

import itertools
import pathlib
import time
from collections.abc import Callable, Iterator

from benchmarks import comparison
from benchmarks.demonstrations import SIZE, shards
from benchmarks.workload import workload
from wtl.collection import vector_environment
from wtl.collection.episode_request import EpisodeShard
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.datasets.storage.staging import StagingWriter

_TASKS = 44
_TRIALS = 240
_ROUNDS = 7


def run() -> list[comparison.Comparison]:
    """Measure demonstrations, and trials of an untrained policy."""
    with workload(_TASKS) as work:
        return [
            *_demonstrations(work.requests, _Writers(work.root / "demos")),
            *_trials(work.trials(_TRIALS), _Writers(work.root / "trials")),
        ]


class _Writers:
    """New staging folders; episodes that are already staged are not written."""

    def __init__(self, root: pathlib.Path):
        self._root = root
        self._numbers = itertools.count()

    def open(self) -> StagingWriter:
        folder = self._root / str(next(self._numbers))
        return StagingWriter(folder, episode_spec(SIZE))


def _demonstrations(requests, writers: _Writers) -> Iterator[comparison.Comparison]:
    def staged() -> float:
        with writers.open() as writer:
            return _demonstrate(requests, 2, writer.append)

    yield from _compare(
        "demonstrations",
        lambda: _demonstrate(requests, 1),
        lambda: _demonstrate(requests, 2),
        staged,
    )


def _demonstrate(
    requests, processes: int, keep: Callable[[list], object] = lambda _: None
) -> float:
    """Return episodes per second once the processes have started."""
    batches = vector_environment.play_shards(shards(requests), processes)
    for _ in range(processes):
        next(batches)
    start, count = time.perf_counter(), 0
    for batch in batches:
        keep(batch)
        count += len(batch)
    return count / (time.perf_counter() - start)


def _trials(shard: EpisodeShard, writers: _Writers) -> Iterator[comparison.Comparison]:
    with (
        vector_environment.ProcessVectorEnvironment(1) as one,
        vector_environment.ProcessVectorEnvironment(2) as two,
    ):

        def played(environments, keep: Callable[[list], object] = len) -> float:
            start = time.perf_counter()
            episodes = shard.play_in(environments)
            keep(episodes)
            return len(episodes) / (time.perf_counter() - start)

        def staged() -> float:
            with writers.open() as writer:
                return played(two, writer.append)

        played(one)  # loads the policy
        yield from _compare("trials", lambda: played(one), lambda: played(two), staged)


def _compare(
    name: str,
    one: Callable[[], float],
    two: Callable[[], float],
    staged: Callable[[], float],
) -> Iterator[comparison.Comparison]:
    """Compare rates of one and two processes, and of two that stage episodes."""
    for title, ours, other in (
        (f"{name}, each of two workers / one alone", lambda: two() / 2, one),
        (f"{name}, staged / discarded", staged, two),
    ):
        rates = comparison.in_turns(ours, other, _ROUNDS)
        yield comparison.summarise(title, rates, unit="episodes", goal=0.9)
