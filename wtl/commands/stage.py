"""Verbs that perform stages of a run."""

import argparse
import contextlib
import functools
import pathlib
import shlex

from wtl import notices
from wtl.commands import outlook
from wtl.commands.command import (
    GIN_BINDINGS,
    RUN,
    RUN_DIR,
    TRUST,
    Addition,
    option,
    verb,
)
from wtl.datasets.contract.errors import UserError
from wtl.pipeline import gin_file

# Options of the stages that play episodes independent of one another.
BEAM = (
    option(
        "--runner",
        choices=("direct", "beam"),
        default="direct",
        help="plays episodes in processes of this machine, or with Apache Beam",
    ),
    option(
        "--pipeline_options",
        default="",
        metavar="'--a=b …'",
        help="options of Beam, as '--runner=FlinkRunner'; by default Beam starts "
        "run.workers processes on this machine (docs/scaling.md)",
    ),
)
DRY_RUN = option(
    "--dry_run",
    action="store_true",
    help="say what would be done, and roughly how long it takes, and start nothing",
)


@contextlib.contextmanager
def open_run(options: argparse.Namespace, *settings):
    """Yield the module `wtl.pipeline.stages`, configured, and the opened `Run`.

    Args:
      options: those of `RUN`.
      *settings: further arguments of `wtl.pipeline.stages.open_run`.
    """
    stages, run_dir = _configured(options)
    from wtl.policies import trust

    with stages.open_run(run_dir, *settings) as run:
        if options.trust:
            trust.grant(run.folder.policies)
        yield stages, run


def _configured(options: argparse.Namespace):
    """Return the module `wtl.pipeline.stages`, configured, and the run folder."""
    gin_file.require(options.gin_file)
    with notices.loading(options.verbosity):
        from wtl.pipeline import stages
    stages.configure(options.gin_file, options.gin_bindings)
    return stages, options.run_dir or f"runs/{pathlib.Path(options.gin_file).stem}"


def perform(
    options: argparse.Namespace, names: tuple[str, ...], together: bool = False
) -> None:
    """Perform stages in order.

    Args:
      options: those of `RUN`, and of `BEAM` for stages that play episodes.
      names: of the stages.
      together: whether several processes, each started with the same command, may
        perform the stage.

    Raises:
      UserError: if options of Beam are given without it.
    """
    with open_run(options, _beam_options(options), together) as (stages, run):
        stages.perform(run, list(names))


def _perform_all(options: argparse.Namespace) -> None:
    """Perform all stages of a run, or say what that would be."""
    if options.dry_run:
        stages, run_dir = _configured(options)
        outlook.show_plan(*stages.plan(run_dir))
        return
    with open_run(options, _beam_options(options)) as (stages, run):
        outlook.show_next(run, stages.perform(run, list(stages.STAGES)))


def _quickstart(options: argparse.Namespace) -> None:
    """Perform all stages of the shipped quickstart.gin."""
    options.gin_file = "quickstart.gin"
    _perform_all(options)


def _beam_options(options: argparse.Namespace) -> list[str] | None:
    """Return the options of Beam; None without it."""
    if getattr(options, "runner", "direct") == "beam":
        return shlex.split(options.pipeline_options)
    if getattr(options, "pipeline_options", ""):
        raise UserError("--pipeline_options needs --runner=beam")
    return None


def _stage(name: str, summary: str) -> Addition:
    run = functools.partial(perform, names=(name,), together=name in _TOGETHER)
    return verb(name, summary, run, *RUN, *(BEAM if name in _WITH_BEAM else ()))


_WITH_BEAM = (
    *("collect_demos", "collect_human_videos", "collect_trials"),
    *("collect_explorations", "adapt"),
)
_TOGETHER = ("train_trial", "train_retrial")
BEFORE_EVALUATION = [
    _stage(name, summary)
    for name, summary in {
        "collect_demos": "play scripted demonstrations into RUN/datasets/wtl_demos",
        "collect_human_videos": "record a simulated human doing the same tasks, "
        "if configured",
        "train_trial": "train the policies that are given demonstrations alone",
        "collect_trials": "roll the trial policy out into RUN/datasets/wtl_trials",
        "train_retrial": "train the policies that are given trials",
        "collect_retrials": "roll the retrial policy out on training tasks, "
        "if configured",
        "train_second_round": "train the policies that are given retrials, "
        "if configured",
    }.items()
]
QUICKSTART = verb(
    "quickstart",
    "perform the whole pipeline, small, into runs/quickstart",
    _quickstart,
    *(GIN_BINDINGS, RUN_DIR, TRUST, DRY_RUN),
)
RUN_ALL = verb(
    "run",
    "perform all stages in order, skipping what is done and unchanged",
    _perform_all,
    *(*RUN, *BEAM, DRY_RUN),
)
BASELINES = (
    _stage("reinforce", "learn held-out tasks by trial and error, to compare with WTL"),
    _stage(
        "meta_rl",
        "train and measure PEARL, RL² or ProMP, which learn from trials alone",
    ),
    _stage("collect_explorations", "explore into RUN/datasets/wtl_explorations"),
    _stage(
        "adapt",
        "train models of the next state, plan with them, and measure "
        "how they adapt to a fault within the episode",
    ),
)
