"""How time and memory grow with tasks, episodes of each, and their length.

    python -m benchmarks growth --output=FOLDER/NAME.json   # draws FOLDER/growth.svg

Each size is measured in a process of its own, stage after stage, on made-up episodes
without physics states. Time is of the processor, for other work may run beside. Memory
is the most that a stage holds beside what was there when it began; pages of mapped
files, which the system takes back when it likes, are not counted.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import gc
import multiprocessing
import pathlib
import sys
import tempfile
import threading
import time
from multiprocessing import forkserver

import numpy as np
import tensorflow as tf
from scipy import optimize, stats

from benchmarks import growth_figure, synthetic
from wtl import notices
from wtl.collection import recorder
from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading import reader
from wtl.datasets.sampling.sampler import Sampler
from wtl.datasets.storage import publish, staging
from wtl.policies.methods import METHODS
from wtl.training import examples, trainer

STAGES = ("staging", "publishing", "reading", "sampler", "examples", "drawing")
# Sizes by what grows while the rest stays.
_AXES: dict[str, list[synthetic.Tasks]] = {
    "demonstrations": [
        synthetic.Tasks(100, demonstrations=count, trials=1, transitions=4)
        for count in (4, 12, 40, 120, 400)
    ],
    "trials": [
        synthetic.Tasks(100, demonstrations=2, trials=count, transitions=4)
        for count in (4, 12, 40, 120, 400)
    ],
    "transitions": [
        synthetic.Tasks(300, demonstrations=2, trials=1, transitions=count)
        for count in (10, 40, 160, 640)
    ],
    "tasks": [
        synthetic.Tasks(count, demonstrations=2, trials=1, transitions=4)
        for count in (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
    ],
}
_SECONDS = 300  # sizes that would take longer than what is left of them are left out
_MEMORY_SHARE = 0.25  # of what is free, that a size may take
_BATCH, _DRAWN, _DRAWS = 128, 128, 100
# Exponents beyond these are told as worse than linear: by all sizes, and by the two
# largest, which are measured once each, so that one disturbance counts in full.
_LINEAR, _LAST = 1.15, 1.5
_LEAST_SECONDS, _LEAST_BYTES = 1e-3, 2**20  # what is less is as good as nothing
_CONFIDENCE = 0.95
# Episodes of the headline, `gin_configs/gripper_state.gin`, and their transitions.
_HEADLINE_EPISODES, _HEADLINE_TRANSITIONS = 13_500 + 12_000, 40
_LIMIT = 4 * 2**30


@dataclasses.dataclass(frozen=True)
class Growth:
    """How one stage grows with one thing.

    Attributes:
      stage: which.
      axis: what grows.
      sizes: how many of them.
      seconds: of the processor at each size.
      bytes: of memory at each size.
      exponent: of time over size, by a line through the logarithms.
      ci95: its interval.
      last_exponent: between the two largest sizes, where constants count least.
      memory_exponent, memory_ci95, memory_last_exponent: likewise of memory.
    """

    stage: str
    axis: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    bytes: tuple[int, ...]
    exponent: float
    ci95: tuple[float, float]
    last_exponent: float
    memory_exponent: float
    memory_ci95: tuple[float, float]
    memory_last_exponent: float

    @classmethod
    def of(
        cls, stage: str, axis: str, points: list[tuple[synthetic.Tasks, dict]]
    ) -> "Growth":
        """Fits exponents to what was measured of a stage, by size."""
        sizes = tuple(getattr(tasks, axis) for tasks, _ in points)
        seconds = tuple(found[stage]["seconds"] for _, found in points)
        held = tuple(found[stage]["bytes"] for _, found in points)
        return cls(
            stage,
            axis,
            sizes,
            seconds,
            held,
            *_fit(sizes, seconds, _LEAST_SECONDS),
            *_fit(sizes, held, _LEAST_BYTES),
        )

    @property
    def linear(self) -> bool:
        """Whether neither time nor memory grow faster than the size."""
        by_all = max(self.exponent, self.memory_exponent)
        last = max(self.last_exponent, self.memory_last_exponent)
        return by_all <= _LINEAR and last <= _LAST

    def __str__(self) -> str:
        times = "  ".join(f"{each:,.3g}" for each in self.seconds)
        held = "  ".join(f"{each / 2**20:,.3g}" for each in self.bytes)
        return (
            f"{self.stage} with {self.axis} "
            f"({', '.join(f'{each:,}' for each in self.sizes)}): "
            f"{times} s, {_power(self.exponent, self.ci95)}, "
            f"at last {self.last_exponent:.2f}; "
            f"{held} MiB, {_power(self.memory_exponent, self.memory_ci95)}, "
            f"at last {self.memory_last_exponent:.2f}; "
            f"at most linear: {'kept' if self.linear else 'MISSED'}"
        )


@dataclasses.dataclass(frozen=True)
class Memory:
    """The memory of a stage as a formula, fitted to all sizes that were measured.

    Attributes:
      stage: which.
      constant: bytes whatever the size.
      per_length: bytes for each timestep of an episode, however many there are.
      per_episode: bytes of each episode.
      per_timestep: bytes of each timestep of each episode.
      worst: the largest share by which the formula is exceeded where it matters, above
        32 MiB.
      headline: bytes at the size of the headline.
    """

    stage: str
    constant: float
    per_length: float
    per_episode: float
    per_timestep: float
    worst: float
    headline: float

    @classmethod
    def of(cls, stage: str, points: list[tuple[synthetic.Tasks, dict]]) -> "Memory":
        """Fits the formula, with relative errors alike for small and large."""
        held = np.array([found[stage]["bytes"] for _, found in points], float)
        terms = np.array([_terms(t.episodes, t.transitions) for t, _ in points])
        weight = 1 / np.maximum(held, _LEAST_BYTES)
        found, _ = optimize.nnls(terms * weight[:, None], held * weight)
        large = held > 2**25
        told = terms[large] @ found
        headline = _terms(_HEADLINE_EPISODES, _HEADLINE_TRANSITIONS)
        return cls(
            stage,
            *map(float, found),
            float(np.max(held[large] / told - 1, initial=0.0)),
            float(found @ headline),
        )

    def __str__(self) -> str:
        kept = "kept" if self.headline * (1 + self.worst) <= _LIMIT else "MISSED"
        return (
            f"memory of {self.stage}: {self.constant / 2**20:.1f} MiB "
            f"+ timesteps x {self.per_length:,.0f} + episodes x "
            f"({self.per_episode:,.0f} + timesteps x {self.per_timestep:,.0f}) bytes, "
            f"exceeded by at most {self.worst:.0%}; {self.headline / 2**20:,.0f} MiB "
            f"at headline size, goal {_LIMIT / 2**30:g} GiB {kept}"
        )


def run() -> list[Growth | Memory]:
    """Measures all sizes for which there is memory and time."""
    context = multiprocessing.get_context("forkserver")
    # Importing TensorFlow anew for each size would take most of the time.
    context.set_forkserver_preload([__name__])
    with notices.Dropped():
        forkserver.ensure_running()
    points, start = {}, time.monotonic()
    for i, axis in enumerate(_AXES, start=1):
        points[axis] = _along(axis, context, start + _SECONDS * i / len(_AXES))
    everything = [point for found in points.values() for point in found]
    # Through two points a line always goes.
    told = [axis for axis in _AXES if len(points[axis]) > 2]
    return [
        *(Growth.of(stage, axis, points[axis]) for axis in told for stage in STAGES),
        *(Memory.of(stage, everything) for stage in STAGES),
    ]


def draw(found: list[Growth | Memory], folder: pathlib.Path) -> None:
    """Draws growth.svg into a folder."""
    grown = [each for each in found if isinstance(each, Growth)]
    (folder / "growth.svg").write_text(growth_figure.figure(grown))


def _along(axis: str, context, end: float) -> list[tuple[synthetic.Tasks, dict]]:
    """Measures the sizes of an axis as far as time, to `end`, and memory allow."""
    points: list[tuple[synthetic.Tasks, dict]] = []
    took = 0.0
    for tasks in _AXES[axis]:
        start = time.monotonic()
        if len(points) > 1:
            before, found = points[-1]
            share = _steps(tasks) / _steps(before)
            needed = share * sum(each["bytes"] for each in found.values())
            if start + share * took > end or needed > _MEMORY_SHARE * _available():
                size = getattr(tasks, axis)
                print(f"growth with {axis}: left out from {size:,} on", file=sys.stderr)
                break
        found = {}
        with tempfile.TemporaryDirectory() as name:
            for measure in (_written, _learnt_from):
                with concurrent.futures.ProcessPoolExecutor(
                    1, mp_context=context
                ) as process:
                    done = process.submit(measure, pathlib.Path(name), tasks)
                    found |= done.result()
        points.append((tasks, found))
        took = time.monotonic() - start
    return points


def _steps(tasks: synthetic.Tasks) -> int:
    return tasks.episodes * (tasks.transitions + 1)


def _terms(episodes: int, transitions: int) -> np.ndarray:
    """What the coefficients of `Memory` are multiplied with."""
    length = transitions + 1
    return np.array([1, length, episodes, episodes * length], float)


def _power(exponent: float, ci95: tuple[float, float]) -> str:
    return f"exponent {exponent:.2f} [{ci95[0]:.2f}, {ci95[1]:.2f}]"


def _fit(sizes, values, least) -> tuple[float, tuple[float, float], float]:
    """Exponent with its interval, and that between the two largest sizes."""
    x, y = np.log(sizes), np.log(np.maximum(values, least))
    line = stats.linregress(x, y)
    # Of values all alike the error is not a number.
    half = stats.t.ppf((1 + _CONFIDENCE) / 2, len(x) - 2) * np.nan_to_num(line.stderr)
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    slope = float(line.slope)
    return slope, (float(slope - half), float(slope + half)), float(last)


def _available() -> int:
    """Bytes of memory that can be had."""
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


@functools.cache
def _spec():
    return dataclasses.replace(recorder.episode_spec(3), physics_size=0)


class _Held(threading.Thread):
    """Watches how much memory this process holds beside mapped files."""

    def __init__(self):
        super().__init__(daemon=True)
        self._status = open("/proc/self/status")
        self._over = threading.Event()
        self.first = self.most = self._now()
        self.start()

    def run(self):
        while not self._over.wait(0.002):
            self.most = max(self.most, self._now())

    def end(self) -> int:
        """Bytes, at most, beside those at the start."""
        self._over.set()
        self.join()
        self.most = max(self.most, self._now())
        self._status.close()
        return self.most - self.first

    def _now(self) -> int:
        self._status.seek(0)
        (line,) = (line for line in self._status if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024


@contextlib.contextmanager
def _measured(found: dict, stage: str):
    gc.collect()
    held, start = _Held(), time.process_time()
    yield
    seconds = time.process_time() - start
    found[stage] = {"seconds": seconds, "bytes": held.end()}


def _written(folder: pathlib.Path, tasks: synthetic.Tasks) -> dict[str, dict]:
    """Stages and publishes demonstrations and trials."""
    found, spec, taken = {}, _spec(), 0.0
    given = {fields.WTL_DEMOS: tasks.demonstrated, fields.WTL_TRIALS: tasks.tried}
    one = dataclasses.replace(tasks, tasks=1)
    for each in (one.demonstrated(spec), one.tried(spec)):
        collections.deque(each, maxlen=0)  # makes what all tasks have in common
    held = _Held()
    for name, make in given.items():
        with staging.StagingWriter(folder / "staged" / name, spec) as writer:
            batch = []
            for episode in make(spec):
                batch.append(episode)
                if len(batch) == _BATCH:
                    taken += _staged(writer, batch)
                    batch.clear()
            taken += _staged(writer, batch)
    found["staging"] = {"seconds": taken, "bytes": held.end()}
    with _measured(found, "publishing"):
        for name in given:
            staged = folder / "staged" / name
            publish.publish(staged, folder, name, "1.0.0", spec, {})
    return found


def _staged(writer: staging.StagingWriter, batch: list) -> float:
    """Stages episodes; returns the seconds of the processor that it took."""
    start = time.process_time()
    writer.append(batch)
    return time.process_time() - start


def _learnt_from(folder: pathlib.Path, tasks: synthetic.Tasks) -> dict[str, dict]:
    """Reads what was published, and draws training examples of it."""
    found, config = {}, dataclasses.replace(METHODS["wtl"].config, size=3)
    tf.constant(0.0)  # TensorFlow starts, once in a process
    with _measured(found, "reading"):
        demos = reader.read(folder / fields.WTL_DEMOS)
        trials = reader.read(folder / fields.WTL_TRIALS)
    with _measured(found, "sampler"):
        sampler = Sampler(
            demos, config.layout, identity_share=0.6, trials=trials, max_trials=3
        )
    with _measured(found, "examples"):
        window = trainer.TrainConfig.window
        source = examples.ExampleSource(demos, demos, trials, sampler, config, window)
    with _measured(found, "drawing"):
        for i in range(_DRAWS):
            source.draw(seeding.generator(i), _DRAWN)
    return found
