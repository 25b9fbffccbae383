"""Simulated seconds of manipulation per core-second, versus other simulators.

robosuite and Meta-World step one of their environments in their own interpreters, by
the same script as ours (`stepping.py`), in turns, on one thread and without a camera.
Time is processor time. Versions are those of `requirements/`, each with a MuJoCo that
it works with (robosuite 1.5.2 fails with ours); they are installed into `build/peers/`
on first use. One-time costs, such as compilation by Numba (10 s), are not timed.

Differences between the scenes:

|          | WTL, press and stack   | robosuite, Stack    | Meta-World, push-v3 |
|----------|------------------------|---------------------|---------------------|
| robot    | gripper, 4 + 2 joints  | Panda, 7 + 2 joints | Sawyer, 7 + 2       |
| moved by | position servos        | operational space   | mocap weld          |
| movable  | 3 objects, 3 buttons   | 2 cubes             | 1 puck              |
| control  | 10 Hz                  | 20 Hz               | 80 Hz               |
| physics  | 25 substeps of 4 ms    | 25 of 2 ms          | 5 of 2.5 ms         |
| observed | a state vector         | states by name      | a state vector      |
| actions  | demonstrations         | random, small       | a demonstration     |
"""

import contextlib
import os
import pathlib
import subprocess
import sys

from benchmarks import comparison
from wtl.datasets.contract.errors import UserError

_GOALS = {"robosuite": 30.0, "metaworld": 3.0}
_SECONDS = 0.2  # of a core, that each steps in a round
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_NO_CAMERA = {"MUJOCO_GL": "disable"}
_HERE = pathlib.Path(__file__).resolve().parent
_BUILD = _HERE.parent / "build" / "peers"


def run() -> list[comparison.Comparison]:
    """Measure all simulators in turns, without those that can't be installed."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Stepper("wtl", sys.executable))
        steppers, problems = {}, []
        for name in _GOALS:
            try:
                steppers[name] = stack.enter_context(Stepper(name, installed(name)))
            except UserError as error:
                problems.append(str(error))
        if not steppers:
            raise UserError("; ".join(problems))
        for problem in problems:
            print(f"skipped: {problem}", file=sys.stderr)
        works = [stepper.rate for stepper in (ours, *steppers.values())]
        rates = comparison.in_turns(works, comparison.ROUNDS)
    return [
        comparison.summarise(
            f"simulated manipulation / {name}",
            rates[:, [0, k]],
            unit="simulated s",
            goal=_GOALS[name],
        )
        for k, name in enumerate(steppers, start=1)
    ]


def installed(name: str) -> str:
    """Return the interpreter of a peer's virtual environment, made on first use.

    Raises:
      UserError: if it can't be installed.
    """
    requirements = _HERE / "requirements" / f"{name}.txt"
    wanted = requirements.read_text()
    folder = _BUILD / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    print(f"installing {name} into {folder}", file=sys.stderr, flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", folder],
        [*pip, "--no-deps", "-r", requirements],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise UserError(
                f"{name} can't be installed ({said[-1] if said else 'pip failed'}); "
                "look at the network and at pip's index"
            )
    stamp.write_text(wanted)
    return str(python)


class Stepper:
    """Process that steps an environment on request."""

    def __init__(self, name: str, python: str):
        """Start the process.

        Args:
          name: key of `stepping.ENVIRONMENTS`.
          python: its interpreter.

        Raises:
          UserError: if the environment can't be made.
        """
        self._name = name
        path = {"PYTHONPATH": str(_HERE.parent)} if name == "wtl" else {}
        self._process = subprocess.Popen(
            # -P: modules of this folder would hide packages of the same name.
            [python, "-P", _HERE / "stepping.py", name],
            env=os.environ | dict.fromkeys(_ONE_THREAD, "1") | _NO_CAMERA | path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()

    def rate(self) -> float:
        """Return simulated seconds per core-second, over about `_SECONDS`."""
        with contextlib.suppress(BrokenPipeError):  # the missing answer tells
            print(_SECONDS, file=self._process.stdin, flush=True)
        simulated, used = map(float, self._answer().split())
        return simulated / used

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise UserError(
                f"{self._name} does not step: see "
                f"`{self._process.args[0]} -P benchmarks/stepping.py {self._name}`"
            )
        return line
