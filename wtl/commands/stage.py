"""Verbs that perform stages of a run."""

import argparse
import contextlib
import functools
import pathlib
import shlex

from wtl import notices
from wtl.commands.command import RUN, Addition, option, verb
from wtl.datasets.contract.errors import UserError

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


@contextlib.contextmanager
def open_run(options: argparse.Namespace, *settings):
    """Yield the module `wtl.pipeline.stages`, configured, and the opened `Run`.

    Args:
      options: those of `RUN`.
      *settings: further arguments of `wtl.pipeline.stages.open_run`.
    """
    with notices.Dropped(options.verbosity):
        from wtl.pipeline import stages
        from wtl.policies import trust
    stages.configure(options.gin_file, options.gin_bindings)
    run_dir = options.run_dir or f"runs/{pathlib.Path(options.gin_file).stem}"
    with stages.open_run(run_dir, *settings) as run:
        if options.trust:
            trust.grant(run.folder.policies)
        yield stages, run


def perform(
    options: argparse.Namespace, names: tuple[str, ...] = (), together: bool = False
) -> None:
    """Perform stages in order.

    Args:
      options: those of `RUN`, and of `BEAM` for stages that play episodes.
      names: of the stages; all of a run if empty.
      together: whether several processes, each started with the same command, may
        perform the stage.

    Raises:
      UserError: if options of Beam are given without it.
    """
    pipeline_options = None
    if getattr(options, "runner", "direct") == "beam":
        pipeline_options = shlex.split(options.pipeline_options)
    elif getattr(options, "pipeline_options", ""):
        raise UserError("--pipeline_options needs --runner=beam")
    with open_run(options, pipeline_options, together) as (stages, run):
        stages.perform(run, list(names or stages.STAGES))


def _stage(name: str, summary: str) -> Addition:
    run = functools.partial(perform, names=(name,), together=name in _TOGETHER)
    return verb(name, summary, run, *RUN, *(BEAM if name in _WITH_BEAM else ()))


_WITH_BEAM = ("collect_demos", "collect_human_videos", "collect_trials")
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
OTHERS = (
    verb(
        "run",
        "perform all of these in order, skipping what is done and unchanged",
        perform,
        *RUN,
        *BEAM,
    ),
    _stage("reinforce", "learn held-out tasks by trial and error, to compare with WTL"),
    _stage("meta_rl", "train and measure PEARL or RL², which learn from trials alone"),
)
