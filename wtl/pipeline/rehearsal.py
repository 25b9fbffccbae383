"""Rehearsal of a run: the stages check their arguments, plan, and do nothing."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from wtl.pipeline.run import Run
from wtl.pipeline.run_datasets import RunDatasets


class _RehearsedError(Exception):
    """The stage has checked all that it can check before its inputs are there."""


@dataclasses.dataclass(frozen=True)
class PlannedStage:
    """Stage of a run, and whether it has to be performed.

    Attributes:
      name: of the stage.
      is_done: whether it is done and unchanged.
      is_begun: whether it was interrupted, and would be resumed.
      units: returns the amount of work, see `Run.do`; None if it is not known.
    """

    name: str
    is_done: bool
    is_begun: bool
    units: Callable[[], int] | None


@dataclasses.dataclass(frozen=True)
class Rehearsal(Run):
    """Run whose stages do no work; what they would make counts as made.

    Attributes:
      made: names of datasets and policies.
      plan: the stages that would be done or are done, in order.
    """

    made: set[str] = dataclasses.field(default_factory=set)
    plan: list[PlannedStage] = dataclasses.field(default_factory=list)

    def do(
        self, stage, parameters, inputs, outputs, work, places=None, units=None
    ) -> bool:
        """Note what the stage would do."""
        # Inputs that would be made anew are missing, which no finished key fits.
        key = self.key(stage, parameters, inputs)
        is_done = self.is_done(stage, key, outputs)
        begun = self.is_begun(stage, key)
        self.plan.append(PlannedStage(stage, is_done, begun, units))
        if not is_done:
            self.made.update(outputs)
        return False

    def do_results(self, *arguments, **settings):
        """End the stage, which could only show its results now."""
        with contextlib.suppress(FileNotFoundError):  # the results are not there yet
            super().do_results(*arguments, **settings)
        raise _RehearsedError

    def inputs(self, *names: str) -> dict[str, str]:
        """Require the inputs that no stage before makes."""
        return super().inputs(*(name for name in names if name not in self.made))

    def require_policy(self, name: str) -> str:
        """Require a policy that no stage before trains."""
        return "" if name in self.made else super().require_policy(name)

    def has_policy(self, name: str) -> bool:
        """Whether a policy is there, or trained by a stage before."""
        return name in self.made or super().has_policy(name)

    @property
    def datasets(self) -> "RehearsedDatasets":
        """Datasets in the folder of the run, and those that stages before make."""
        found = super().datasets
        return RehearsedDatasets(
            found.folder, found.suite, found.seed, found.camera, self.made
        )


@dataclasses.dataclass(frozen=True)
class RehearsedDatasets(RunDatasets):
    """Datasets of a rehearsed run.

    Attributes:
      made: names of datasets that a stage before makes.
    """

    made: Collection[str]

    def require(self, name: str) -> pathlib.Path:
        """Require a dataset that no stage before makes."""
        return self.folder.datasets if name in self.made else super().require(name)


def rehearse(run: Run, stages: Sequence[Callable[[Run], Any]]) -> list[PlannedStage]:
    """Check the arguments of stages before the first one starts; return their plan.

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
    return rehearsal.plan
