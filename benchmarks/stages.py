"""Where the time of a run goes: what its processes are at, stage by stage.

    python -m benchmarks.stages [GIN_FILE]

A run of the quick start, or of another configuration, is made under a sampling profiler
(py-spy), and each sample is put down to what the innermost function that says so is for
(`_PURPOSES`). Processes that wait for others are left out. So shares are of the time
that the processes of a stage are at something. Start-up (imports, TensorFlow's graphs)
is told apart, for it is the same in a short run as in a long one.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

from wtl.datasets.contract.errors import UserError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_QUICK_START = _ROOT / "gin_configs" / "quickstart.gin"
_STAGES = (
    "collect_demos",
    "train_trial",
    "collect_trials",
    "train_retrial",
    "evaluate",
)
# Where Python finds packages.
_OUTSIDE = re.compile(r".*/(?:site-packages|lib/python3\.\d+)/")
_OURS = ("wtl/", "datasets/", "policies/", "collection/")
_PROCESS = "process"
_RATE = 20  # samples of each process per second
_START_UP, _WAITING, _OTHER = "start-up", "waiting", "other"
_LIMIT = 0.1
_TRACING = "tensorflow/python/eager/polymorphic_function/tracing_compilation.py"
# What functions are for, by how `file:function` begins, files being named from the root
# of the project or from where Python finds packages. A function that fits nowhere, as
# those of NumPy and TensorFlow, serves the one that called it.
_PURPOSES = {
    _WAITING: (
        "multiprocessing/connection.py:_recv",
        "multiprocessing/connection.py:wait",
        "multiprocessing/popen_fork.py:",
        "multiprocessing/synchronize.py:",
        "threading.py:wait",
        "threading.py:_wait_for_tstate_lock",
        "selectors.py:select",
        "queue.py:get",
        "multiprocessing/resource_tracker.py:main",
        "concurrent/futures/thread.py:_worker",
        "subprocess.py:",
        "<string>:<module>",
    ),
    _START_UP: (
        "<frozen importlib._bootstrap>:_find_and_load",
        f"{_TRACING}:_create_concrete_function",
        "policies/export.py:load",
        "multiprocessing/spawn.py:prepare",
        "multiprocessing/popen_spawn_posix.py:",
    ),
    "physics": (
        *(
            f"collection/worlds/tabletop/{name}.py:"
            for name in ("environment", "world", "observation")
        ),
        *(
            f"collection/worlds/tabletop/{name}.py:"
            for name in ("model", "scene", "object_set")
        ),
        "collection/worlds/tabletop/families/",
        "collection/worlds/tabletop/experts/",
        "collection/demonstration.py:",
        "collection/recorder.py:",
    ),
    "writing": (
        "datasets/storage/",
        "policies/export.py:save",
        "tensorflow/python/checkpoint/",
        "tensorflow/python/ops/summary_ops_v2.py:",
        "wtl/evaluation/rollout_row.py:write_csv",
    ),
    "report": (
        *(
            f"wtl/evaluation/{name}.py:"
            for name in ("report", "camera_video", "statistics")
        ),
        "wtl/pipeline/strips.py:",
    ),
    "input": (
        "datasets/reading/",
        "datasets/sampling/",
        "wtl/training/examples.py:",
        "wtl/training/augmentation.py:",
    ),
    "learner": ("wtl/training/trainer.py:",),
    "policy": (
        *(
            f"collection/{name}.py:"
            for name in ("rollout", "observation_encoder", "context_builder")
        ),
        # They encode what is shown, by TensorFlow alone.
        "collection/trial.py:_play",
        "wtl/pipeline/player.py:play_arm",
        "policies/",
    ),
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """What the processes of a stage are at.

    Attributes:
      name: of the stage.
      wall: seconds from its start to its end.
      busy: seconds of all its processes but for waiting.
      shares: of these, by purpose; they add up to 1.
      elsewhere: the functions that most of `other` is spent in, with their shares.
    """

    name: str
    wall: float
    busy: float
    shares: dict[str, float]
    elsewhere: dict[str, float]

    @property
    def other(self) -> float:
        """Share of what is for none of the purposes, start-up left out."""
        return self.shares[_OTHER] / max(1 - self.shares[_START_UP], 1e-9)

    def __str__(self) -> str:
        shares = ", ".join(
            f"{purpose} {share:.0%}" for purpose, share in self.shares.items() if share
        )
        kept = "kept" if self.other <= _LIMIT else "MISSED"
        told = f"{self.name}: {self.wall:.1f} s, {self.busy:.1f} s busy: {shares}; "
        told += f"other, start-up left out, {self.other:.0%}; goal {_LIMIT:.0%} {kept}"
        most = ", ".join(f"{name} {part:.0%}" for name, part in self.elsewhere.items())
        return f"{told} ({most})" if most else told


def run(gin_file: pathlib.Path = _QUICK_START) -> list[Stage]:
    """Profiles a run of a configuration; walls are in seconds.

    Raises:
      UserError: if py-spy is missing or not allowed to watch, or the run fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace.json"
        _profile(["run", f"--gin_file={gin_file}", f"--run_dir={folder}/run"], trace)
        return stages(json.loads(trace.read_text()))


def stages(events: list[dict]) -> list[Stage]:
    """Adds up a trace.

    Args:
      events: of Chrome's trace format: functions that begin (`B`) and end (`E`).
    """
    samples = list(_samples(events))
    spans = {name: _span(samples, f":{name}") for name in _STAGES}
    found = [
        _stage(name, *span, samples) for name, span in spans.items() if span is not None
    ]
    whole = (0.0, max(end for _, end, _ in samples))
    return [*found, _stage("run", *whole, samples)]


def _profile(arguments: list[str], trace: pathlib.Path):
    """Performs a command of ours under the profiler."""
    # The profiler gives up where a process takes long to start: this one waits for it.
    begin = "input(); from wtl import cli; cli.main()"
    command = subprocess.Popen(
        [sys.executable, "-c", begin, *arguments],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    spy = [pathlib.Path(sys.executable).with_name("py-spy"), "record"]
    # What it pauses as it ends can never be waited for, so it pauses nothing.
    spy += ["--nonblocking", "--subprocesses", "--idle"]
    options = ["--function", "--full-filenames"]
    try:
        profiler = subprocess.Popen(
            [*spy, *options, f"--rate={_RATE}", "--format=chrometrace"]
            + [f"--output={trace}", f"--pid={command.pid}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        command.kill()
        raise UserError("py-spy is missing; run `make install`") from None
    said = profiler.stdout.readline()
    if "Sampling" not in said:
        command.kill()
        raise UserError(f"py-spy can't watch a process here ({said.strip()})")
    # It complains now and then, and must not wait for anybody to read it.
    threading.Thread(target=profiler.stdout.read, daemon=True).start()
    _, problem = command.communicate("\n")
    profiler.wait()
    if command.returncode:
        raise UserError(f"the run failed: {problem.strip().splitlines()[-1]}")


def _samples(events: list[dict]) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    """Yields from when to when, in seconds, a thread had which stack, root first."""
    # Of processes that ended before, too, stacks are closed at the end alone.
    root, over = events[0]["pid"], max(event["ts"] for event in events)
    stacks = collections.defaultdict(list)
    since: dict[tuple[int, int], int] = {}
    for event in events:
        thread = (event["pid"], event["tid"])
        stack, now = stacks[thread], event["ts"]
        if stack and now > since[thread] and (now < over or event["pid"] == root):
            yield since[thread] / 1e6, now / 1e6, tuple(stack)
        since[thread] = now
        if event["ph"] == "B":
            stack.append(_name(event))
        else:
            stack.pop()


def _name(event: dict) -> str:
    """`file:function`, or `_PROCESS` of the process itself."""
    file = event["args"]["filename"]
    if not file:
        return _PROCESS
    file = _OUTSIDE.sub("", file).removeprefix(f"{_ROOT}/")
    # Methods come with their class, functions in functions with these.
    return f"{file}:{event['name'].rpartition('.')[2]}"


def _span(samples, ending: str) -> tuple[float, float] | None:
    """From when to when a function of the pipeline ran."""
    within = [
        (start, end)
        for start, end, stack in samples
        if any(f.startswith("wtl/pipeline/") and f.endswith(ending) for f in stack)
    ]
    if not within:
        return None
    return min(start for start, _ in within), max(end for _, end in within)


def _stage(name: str, first: float, last: float, samples) -> Stage:
    spent, elsewhere = collections.Counter(), collections.Counter()
    for start, end, stack in samples:
        seconds = min(end, last) - max(start, first)
        if seconds <= 0:
            continue
        purpose = _purpose(stack)
        spent[purpose] += seconds
        if purpose == _OTHER:
            ours = [f for f in stack if f.startswith(_OURS)] or stack
            elsewhere[ours[-1]] += seconds
    del spent[_WAITING]
    busy = spent.total() or 1.0
    return Stage(
        name,
        last - first,
        spent.total(),
        {each: spent[each] / busy for each in (*_PURPOSES, _OTHER) if each != _WAITING},
        {each: seconds / busy for each, seconds in elsewhere.most_common(3)},
    )


def _purpose(stack: tuple[str, ...]) -> str:
    if any(function.startswith(_PURPOSES[_START_UP]) for function in stack):
        return _START_UP
    if stack[-1] == _PROCESS:  # runs no function yet, or no longer
        return _START_UP
    if stack[-1].startswith(_PURPOSES[_WAITING]):
        return _WAITING
    for function in reversed(stack):
        for purpose, beginnings in _PURPOSES.items():
            if purpose != _WAITING and function.startswith(beginnings):
                return purpose
    return _OTHER


def main():
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gin_file", nargs="?", type=pathlib.Path, default=_QUICK_START)
    for stage in run(parser.parse_args().gin_file.resolve()):
        print(stage)


if __name__ == "__main__":
    main()
