"""Rehearsal of a run: the stages check their arguments, and do nothing."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.pipeline.run import Run, training_stage


class _RehearsedError(Exception):
    """The stage has checked all that it can check before its inputs are there."""


@dataclasses.dataclass(frozen=True)
class Rehearsal(Run):
    """Run whose stages do no work; what they would make counts as made.

    Attributes:
      made: names of datasets and policies.
    """

    made: set[str] = dataclasses.field(default_factory=set)

    def do(self, stage, parameters, inputs, outputs, work, places=None) -> bool:
        """Note the outputs."""
        self.made.update(outputs)
        return False

    def do_results(self, *_):
        """End the stage, which could only show its results now."""
        raise _RehearsedError

    def inputs(self, *names: str) -> dict[str, str]:
        """Require the inputs that no stage before makes."""
        return super().inputs(*(name for name in names if name not in self.made))

    def require_policy(self, name: str) -> str:
        """Require a policy that no stage before trains."""
        try:
            return "" if name in self.made else super().require_policy(name)
        except UserError as error:
            stage = training_stage(name)
            raise UserError(f"{error}, or add it to {stage}.methods") from error

    def has_policy(self, name: str) -> bool:
        """Whether a policy is there, or trained by a stage before."""
        return name in self.made or super().has_policy(name)

    def require(self, name: str) -> pathlib.Path:
        """Require a dataset that no stage before makes."""
        return self.folder.datasets if name in self.made else super().require(name)


def rehearse(run: Run, stages: Sequence[Callable[[Run], Any]]):
    """Check the arguments of stages before the first one starts.

    Raises:
      UserError: if one of them would fail with these arguments.
    """
    settings = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
    rehearsal = Rehearsal(**settings)
    for stage in stages:
        try:
            stage(rehearsal)
        except _RehearsedError:
            pass
