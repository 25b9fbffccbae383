"""Episodes by two processes against one, and made durable against thrown away."""

import itertools
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np

from benchmarks import comparison, demonstrations, untrained
from wtl.collection import recorder, trial, vector_environment
from wtl.datasets.storage.staging import StagingWriter

_TASKS = 44
_TRIALS = 240
_ROUNDS = 7


def run() -> list[comparison.Comparison]:
    """Measures demonstrations, and trials of a policy that has learnt nothing."""
    wanted = demonstrations.requests(_TASKS)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        demos = demonstrations.publish(root, wanted)
        source = untrained.save("mil", root / "policy", demos)
        shard = trial.TrialShard(source, untrained.trials(source, wanted)[:_TRIALS])
        return [
            *_demonstrations(wanted, _Writers(root / "demos")),
            *_trials(shard, _Writers(root / "trials")),
        ]


class _Writers:
    """Staging folders, of which each is used once: what is there is not written."""

    def __init__(self, root: pathlib.Path):
        self._root = root
        self._numbers = itertools.count()

    def open(self) -> StagingWriter:
        folder = self._root / str(next(self._numbers))
        return StagingWriter(folder, recorder.episode_spec(demonstrations.SIZE))


def _demonstrations(wanted, writers: _Writers):
    def kept() -> float:
        with writers.open() as writer:
            return _demonstrated(wanted, 2, writer.append)

    yield _two_to_one(
        "demonstrations",
        _in_turns(
            lambda: _demonstrated(wanted, 2) / 2,
            lambda: _demonstrated(wanted, 1),
        ),
    )
    yield _kept_to_lost(
        "demonstrations", _in_turns(kept, lambda: _demonstrated(wanted, 2))
    )


def _demonstrated(
    wanted, processes: int, keep: Callable[[list], object] = lambda _: None
) -> float:
    """Episodes per second from when the processes are there."""
    batches = vector_environment.demonstrate_all(wanted, processes)
    for _ in range(processes):
        next(batches)
    start, count = time.perf_counter(), 0
    for batch in batches:
        keep([episode for episode, _ in batch if episode])
        count += len(batch)
    return count / (time.perf_counter() - start)


def _trials(shard: trial.TrialShard, writers: _Writers):
    with (
        vector_environment.ProcessVectorEnvironment(1) as one,
        vector_environment.ProcessVectorEnvironment(2) as two,
    ):

        def played(pool) -> float:
            start = time.perf_counter()
            return len(shard.play_in(pool)) / (time.perf_counter() - start)

        def kept() -> float:
            with writers.open() as writer:
                start = time.perf_counter()
                count = writer.append(shard.play_in(two))
                return count / (time.perf_counter() - start)

        played(one)  # loads the policy
        yield _two_to_one(
            "trials", _in_turns(lambda: played(two) / 2, lambda: played(one))
        )
        yield _kept_to_lost("trials", _in_turns(kept, lambda: played(two)))


def _in_turns(ours: Callable[[], float], other: Callable[[], float]) -> np.ndarray:
    """Rates [rounds, 2] of two that time themselves, without their preparations."""
    rates = np.empty((_ROUNDS, 2))
    for i in range(_ROUNDS):
        for which in (0, 1) if i % 2 else (1, 0):
            rates[i, which] = (ours, other)[which]()
    return rates


def _two_to_one(what: str, rates: np.ndarray) -> comparison.Comparison:
    return comparison.summarise(
        f"{what}, each of two workers / one alone", rates, unit="episodes", goal=0.9
    )


def _kept_to_lost(what: str, rates: np.ndarray) -> comparison.Comparison:
    return comparison.summarise(
        f"{what}, staged / thrown away", rates, unit="episodes", goal=0.9
    )
