"""Time of a run by purpose, stage by stage.

    python -m benchmarks.stages [GIN_FILE]

The stages of the quick start, or of another configuration, run one by one under a
sampling profiler (py-spy). Each sample counts for the purpose of the innermost function
that has one (`_PURPOSES`). Processes that wait for others are excluded. Start-up
(imports, TensorFlow's graphs) is separate, since it does not depend on the length of a
run.
"""

import collections
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable

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
_FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(:\d+)?\)")
_OURS = ("wtl/", "datasets/", "policies/", "collection/")
_PROCESS = "process"
_RATE = 20  # samples of each process per second
_START_UP, _WAITING, _OTHER = "start-up", "waiting", "other"
_LIMIT = 0.1
_TRACING = "tensorflow/python/eager/polymorphic_function/tracing_compilation.py"
# Purposes of functions by prefixes of `file:function`, with files relative to the
# project or to the folder of Python's packages. Other functions, such as those of NumPy
# and TensorFlow, have the purpose of their caller.
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
            for name in ("environment", "families", "model", "object_set")
            + ("observation", "scene", "world")
        ),
        "collection/worlds/tabletop/experts/",
        "collection/scripted_expert.py:",
        "collection/vector_environment.py:VectorEnvironment.",
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
        "wtl/evaluation/reports.py:",
        "wtl/evaluation/camera_video.py:",
        "wtl/evaluation/statistics.py:",
        "wtl/pipeline/strips.py:",
    ),
    "input": (
        "datasets/reading/",
        "datasets/sampling/",
        "collection/worlds/entities/relabel.py:",
        "wtl/training/examples.py:",
        "wtl/training/augmentation.py:",
    ),
    "learner": ("wtl/training/trainer.py:",),
    "policy": (
        "collection/policy_actor.py:",
        "collection/observation_encoder.py:",
        "collection/context_builder.py:",
        "policies/",
    ),
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """Time of the processes of a stage by purpose.

    Attributes:
      name: name of the stage.
      wall: seconds from its start to its end.
      busy: seconds of all its processes, without waiting.
      shares: shares of `busy` by purpose; they sum to 1.
      elsewhere: functions with the largest shares of `other`.
    """

    name: str
    wall: float
    busy: float
    shares: dict[str, float]
    elsewhere: dict[str, float]

    @property
    def other(self) -> float:
        """Share of time without a purpose, excluding start-up."""
        return self.shares[_OTHER] / max(1 - self.shares[_START_UP], 1e-9)

    def __str__(self) -> str:
        shares = ", ".join(
            f"{purpose} {share:.0%}" for purpose, share in self.shares.items() if share
        )
        kept = "kept" if self.other <= _LIMIT else "MISSED"
        text = f"{self.name}: {self.wall:.1f} s, {self.busy:.1f} s busy: {shares}; "
        text += f"other, without start-up, {self.other:.0%}; goal {_LIMIT:.0%} {kept}"
        most = ", ".join(f"{name} {part:.0%}" for name, part in self.elsewhere.items())
        return f"{text} ({most})" if most else text


def run(gin_file: pathlib.Path = _QUICK_START) -> list[Stage]:
    """Profile the stages of a configuration.

    Raises:
      UserError: if py-spy is missing or not allowed to watch, or a stage fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--gin_file={gin_file}", f"--run_dir={folder}/run"]
        trace = pathlib.Path(folder) / "trace.txt"
        found = []
        for name in _STAGES:
            start = time.perf_counter()
            _profile([name, *options], trace)
            wall = time.perf_counter() - start
            found.append(stage(name, wall, trace.read_text().splitlines()))
        return found


def stage(name: str, wall: float, lines: Iterable[str]) -> Stage:
    """Sum the samples of a stage that took `wall` seconds by purpose.

    Args:
      name: name of the stage.
      wall: seconds from its start to its end.
      lines: stacks and their numbers of samples: `root;...;innermost number`.
    """
    spent, elsewhere = collections.Counter(), collections.Counter()
    for line in lines:
        frames, _, samples = line.rpartition(" ")
        stack = [_name(frame) for frame in frames.split(";")]
        seconds = int(samples) / _RATE
        purpose = _purpose(stack)
        spent[purpose] += seconds
        if purpose == _OTHER:
            ours = [f for f in stack if f.startswith(_OURS)] or stack
            elsewhere[ours[-1]] += seconds
    del spent[_WAITING]
    busy = spent.total() or 1.0
    return Stage(
        name,
        wall,
        spent.total(),
        {each: spent[each] / busy for each in (*_PURPOSES, _OTHER) if each != _WAITING},
        {each: seconds / busy for each, seconds in elsewhere.most_common(3)},
    )


def _profile(arguments: list[str], trace: pathlib.Path):
    """Run a command under the profiler."""
    # The profiler gives up on slow starts: the process waits for it.
    begin = "input(); from wtl.commands import cli; cli.main()"
    command = subprocess.Popen(
        [sys.executable, "-c", begin, *arguments],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    spy = [pathlib.Path(sys.executable).with_name("py-spy"), "record"]
    # A process that it pauses as it ends is never reaped, so it pauses none.
    spy += ["--nonblocking", "--subprocesses", "--idle"]
    options = ["--function", "--full-filenames"]
    try:
        profiler = subprocess.Popen(
            [*spy, *options, f"--rate={_RATE}", "--format=raw"]
            + [f"--output={trace}", f"--pid={command.pid}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        command.kill()
        raise UserError("py-spy is missing; run `make install`") from None
    first = profiler.stdout.readline()
    if "Sampling" not in first:
        command.kill()
        raise UserError(f"py-spy can't watch a process here ({first.strip()})")
    # Drain its messages, so that it does not block.
    threading.Thread(target=profiler.stdout.read, daemon=True).start()
    _, problem = command.communicate("\n")
    profiler.wait()
    if command.returncode:
        raise UserError(f"the stage failed: {problem.strip().splitlines()[-1]}")


def _name(frame: str) -> str:
    """Return `file:function`, or `_PROCESS` for the process itself."""
    match = _FRAME.fullmatch(frame)
    if match is None:
        return _PROCESS
    file = _OUTSIDE.sub("", match["file"]).removeprefix(f"{_ROOT}/")
    # Methods come with their class, functions in functions with these.
    return f"{file}:{match['function'].rpartition('.')[2]}"


def _purpose(stack: list[str]) -> str:
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
    """Profile the configuration that the command line names."""
    for stage in run(pathlib.Path(*sys.argv[1:2] or [_QUICK_START]).resolve()):
        print(stage)


if __name__ == "__main__":
    main()
