"""Collection by two processes versus one, and durable versus discarded episodes."""

import functools
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator

from benchmarks import comparison
from benchmarks.demonstrations import SIZE, shards
from benchmarks.workload import workload
from wtl.collection import vector_environment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.datasets.storage.staging import StagingWriter

_TASKS = 44
_TRIALS = 240
_ROUNDS = 7

# Plays episodes with a number of processes, hands them to a function, and returns
# their number per second.
_Play = Callable[[int, Callable[[list], object]], float]


def run() -> list[comparison.Comparison]:
    """Measure demonstrations, and trials of an untrained policy."""
    with (
        workload(_TASKS) as work,
        vector_environment.ProcessVectorEnvironment(1) as one,
        vector_environment.ProcessVectorEnvironment(2) as two,
    ):
        trials = work.trials(_TRIALS)

        def demonstrate(processes: int, keep: Callable[[list], object]) -> float:
            batches = vector_environment.play_shards(shards(work.requests), processes)
            for _ in range(processes):  # until the processes have started
                next(batches)
            return _rate(batches, keep)

        def attempt(processes: int, keep: Callable[[list], object]) -> float:
            # `map` plays when the batch is asked for, so that playing is timed.
            return _rate(map(trials.play_in, [(one, two)[processes - 1]]), keep)

        return [
            *_compare("demonstrations", demonstrate, work.root),
            *_compare("trials", attempt, work.root),
        ]


def _rate(batches: Iterator[list], keep: Callable[[list], object]) -> float:
    start, count = time.perf_counter(), 0
    for batch in batches:
        keep(batch)
        count += len(batch)
    return count / (time.perf_counter() - start)


def _compare(
    name: str, play: _Play, root: pathlib.Path
) -> Iterator[comparison.Comparison]:
    """Compare rates of one and two processes, and of two that stage episodes."""

    def staged() -> float:
        folder = tempfile.mkdtemp(dir=root)  # what is staged is not written again
        with StagingWriter(folder, episode_spec(SIZE)) as writer:
            return play(2, writer.append)

    one, two = (functools.partial(play, n, len) for n in (1, 2))
    for title, ours, other in (
        (f"{name}, each of two workers / one alone", lambda: two() / 2, one),
        (f"{name}, staged / discarded", staged, two),
    ):
        rates = comparison.in_turns([ours, other], _ROUNDS)
        yield comparison.summarise(title, rates, unit="episodes", goal=0.9)
