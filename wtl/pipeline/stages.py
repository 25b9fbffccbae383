"""Stages in order, and the objects that gin configures."""

import contextlib
import dataclasses
import functools
import inspect
import logging
import os
import pathlib
import re
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gin

from wtl.collection import worker
from wtl.collection.worlds import registry
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Natural, Share
from wtl.datasets.contract.names import did_you_mean
from wtl.evaluation.ablation import Ablation
from wtl.pipeline import bindings as bindings_lib
from wtl.pipeline import choices, imported, rehearsal, run_folder, world_description
from wtl.pipeline import gin_file as gin_files
from wtl.pipeline.adapt import adapt
from wtl.pipeline.beam_runner import BeamRunner
from wtl.pipeline.collect_demos import collect_demos
from wtl.pipeline.collect_explorations import collect_explorations
from wtl.pipeline.collect_human_videos import collect_human_videos
from wtl.pipeline.collect_retrials import collect_retrials
from wtl.pipeline.collect_trials import collect_trials
from wtl.pipeline.evaluate import evaluate
from wtl.pipeline.meta_rl import meta_rl
from wtl.pipeline.reinforce import reinforce
from wtl.pipeline.run import Run
from wtl.pipeline.teleop import teleop as _teleop
from wtl.pipeline.train import train_retrial, train_second_round, train_trial
from wtl.policies import interface
from wtl.policies.bc_sac.config import SacConfig
from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.daml.config import DamlConfig
from wtl.policies.foresight.config import ForesightConfig
from wtl.policies.maml.config import MamlConfig
from wtl.policies.methods import METHODS
from wtl.policies.pearl.config import PearlConfig
from wtl.policies.planner.config import PlannerConfig
from wtl.policies.promp.config import PrompConfig
from wtl.policies.replay.config import ReplayConfig
from wtl.policies.rl2.config import Rl2Config
from wtl.policies.strikes.config import StrikesConfig
from wtl.policies.tecnet.config import TecnetConfig
from wtl.training.cluster import WARNING, Cluster
from wtl.training.train_config import EndToEndConfig, TrainConfig

_OF_SYNTAX = (SyntaxError, tokenize.TokenError)
_configurable = functools.partial(gin.external_configurable, module="wtl")
STAGES: dict[str, Callable[[Run], Any]] = {
    stage.__name__: _configurable(stage, stage.__name__)
    for stage in (
        collect_demos,
        collect_human_videos,
        train_trial,
        collect_trials,
        train_retrial,
        collect_retrials,
        train_second_round,
        evaluate,
    )
}
# Run by name only: not part of `wtl run`.
BASELINES: dict[str, Callable[[Run], None]] = {
    "reinforce": _configurable(reinforce, "reinforce"),
    "meta_rl": _configurable(meta_rl, "meta_rl"),
    "collect_explorations": _configurable(collect_explorations, "collect_explorations"),
    "adapt": _configurable(adapt, "adapt"),
}
teleop = _configurable(_teleop, "teleop")
suite = _configurable(TaskDistribution, "suite")
_camera = _configurable(CameraConfig, "camera")
ablation = _configurable(Ablation, "ablation")
_TRAINING = (
    *(TrainConfig, EndToEndConfig, SacConfig),
    *(PearlConfig, PrompConfig, Rl2Config, StrikesConfig),
    PlannerConfig,
)
for _config in _TRAINING:
    _configurable(_config, _config.__name__)
# The record of a method fixes what its policy is given, but what ablations vary.
_fixed = [
    field.name
    for field in dataclasses.fields(interface.Interface)
    if field.name not in interface.CHOSEN
]
_NETWORKS = (
    *(ContextualConfig, DamlConfig, ForesightConfig, MamlConfig, ReplayConfig),
    TecnetConfig,
)
# The record fixes, too, whose weights and whose transitions a control has.
_fixed_of = {ForesightConfig: ["trained_as", "window_of"]}
for _config in _NETWORKS:
    _denied = _fixed + _fixed_of.get(_config, [])
    _configurable(_config, _config.__name__, denylist=_denied)
_of_worlds = {
    name: configured
    for world in registry.usable()
    for name, configured in world.configurables.items()
}
for _name, _class in _of_worlds.items():
    _configurable(_class, _name)


@gin.configurable("run", module="wtl")
def _settings(
    seed: int = 0, workers: Natural = 2, trial_task_share: Share = 0.0
) -> tuple[int, int, float]:
    return seed, workers, trial_task_share


def configure(gin_file: str, bindings: list[str]):
    """Parse a gin file and bindings.

    Modules that it imports may lie beside it or in the current folder.

    Raises:
      UserError: if the file is missing or anything in it is unknown.
    """
    gin.clear_config()
    gin_file = os.path.expanduser(gin_file)
    beside = str(pathlib.Path(gin_file).resolve().parent)
    worker.import_plugins((), (beside, os.getcwd()))
    # Gin files outside the project may include the shipped ones. Gin itself would look
    # first where an earlier configuration of this process was.
    gin.config._LOCATION_PREFIXES[:] = ["", beside, str(gin_files.SHIPPED)]
    # UTF-8 whatever the locale, also from editors that begin it with a mark.
    read = functools.partial(open, encoding="utf-8-sig")
    gin.config._FILE_READERS[:] = [(read, os.path.isfile)]
    # Gin logs an error for each searched folder without an included file.
    logging.disable(logging.ERROR)
    try:
        parsed = _parsed(gin_file, bindings)
        worker.import_plugins(_imports(parsed))
    except ImportError as error:
        raise UserError(
            f"the gin file {gin_file} has a wrong import: {_first_line(error)}; "
            "put the module beside the gin file, install it, or add its folder to "
            "PYTHONPATH"
        ) from error
    except (OSError, ValueError, TypeError, *_OF_SYNTAX) as error:
        raise UserError(_fault(gin_file, beside, error, bindings)) from error
    finally:
        logging.disable(logging.NOTSET)
    trained = dict.fromkeys(METHODS)
    stages = dict.fromkeys((*STAGES, *BASELINES, "perception"))
    bindings_lib.check(
        dict.fromkeys((*STAGES, *BASELINES, "run", "suite", "camera", "teleop"), ())
        | {config.__name__: tuple(stages) for config in _TRAINING}
        | {config.__name__: tuple(trained) for config in _NETWORKS}
        | {ForesightConfig.__name__: (*trained, "collect_explorations")}
    )


def _fault(
    gin_file: str, beside: str, error: Exception, bindings: Sequence[str]
) -> str:
    """Say what is wrong with a configuration that gin rejects."""
    text = _first_line(error)
    if isinstance(error, UnicodeDecodeError):
        return f"the gin file {gin_file}, or one that it includes, is not UTF-8 text"
    if isinstance(error, _OF_SYNTAX):
        hint = ""
        if str(getattr(error, "filename", "")).endswith(".py"):
            text = f"the module {error.filename}, which it imports: {text}"
        elif isinstance(error, tokenize.TokenError):
            text = "a bracket or a quote is not closed"
        elif "malformed node" in text:  # with an address; gin's next line names it
            text, hint = str(error).splitlines()[1].strip(), "; texts are in quotes"
        if wrong := [each for each in bindings if not _can_be_parsed(each)]:
            text = f"the binding {wrong[0]!r}: {text.partition(' (line')[0]}"
        return f"the configuration is wrong: {text.rstrip('.')}{hint}"
    if isinstance(error, OSError):
        found = re.match(r"Unable to open file: (.*)\. Searched config paths", text)
        if not found:
            return f"the gin file {gin_file} can't be read: {text}"
        return gin_files.missing(found[1], beside)
    known = ("run", "suite", *_of_worlds, "camera", "teleop", "ablation")
    known += (*STAGES, *BASELINES, *(c.__name__ for c in _TRAINING + _NETWORKS))
    hint = ""
    if found := re.match(r"No configurable matching '(.*)'", text):
        hint = did_you_mean(found[1], known) or f"; known are {', '.join(known)}"
    elif found := re.match(r"Configurable '(.*)' doesn't have a .* '(.*)'", text):
        made = gin.get_configurable(found[1])
        names = [n for n in inspect.get_annotations(made) if n not in ("run", "return")]
        if dataclasses.is_dataclass(made):
            names = [field.name for field in dataclasses.fields(made)]
        hint = did_you_mean(found[2], names) or f"; it has {', '.join(names)}"
    return f"the configuration is wrong: {text.rstrip('.')}{hint}"


def _parsed(gin_file: str, bindings: list[str]):
    """Parse with gin; an error of an imported module names the module."""
    try:
        return gin.parse_config_files_and_bindings([gin_file], bindings)
    except ImportError:
        raise
    except Exception as error:
        # Gin appends the statement that failed.
        found = re.search(r'\n\s*In file ".*", line \d+\n\s*import (\S+)', str(error))
        if not found:
            raise
        if isinstance(error, UserError):
            raise UserError(_first_line(error)) from error
        raise UserError(
            f"the module {found[1]}, which {gin_file} imports, fails: "
            f"{type(error).__name__}: {_first_line(error)} (--verbosity=1 shows where)"
        ) from error


def _can_be_parsed(binding: str) -> bool:
    try:
        return bool(list(gin.config_parser.ConfigParser(binding, _Syntax())))
    except (ValueError, *_OF_SYNTAX):
        return False


class _Syntax(gin.config_parser.ParserDelegate):
    """Takes references and macros as they are, to check the syntax alone."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        return scoped_configurable_name, evaluate

    def macro(self, scoped_name):
        return scoped_name


def _first_line(error: Exception) -> str:
    # Gin appends where in the file it was.
    return str(error).strip().splitlines()[0]


def _imports(parsed: Sequence[Any]) -> list[str]:
    """Modules that gin files, and those they include, import."""
    return [
        module
        for file in parsed
        for module in (*_imports(file.includes), *file.imports)
    ]


@contextlib.contextmanager
def open_run(
    run_dir: str,
    pipeline_options: Sequence[str] | None = None,
    together: bool = False,
    cache_sources: Sequence[run_folder.RunFolder] = (),
) -> Iterator[Run]:
    """Open and lock a run folder under the current configuration.

    Args:
      run_dir: the run folder.
      pipeline_options: options of Apache Beam, to collect with it; None for processes
        of this machine.
      together: whether several processes, named by TF_CONFIG, may train together.
      cache_sources: see `Run`.

    Raises:
      UserError: if the folder is in use, or the configuration does not fit.
    """
    cluster = Cluster.from_environment()
    if cluster and not together:
        raise UserError(
            "TF_CONFIG is set, but several processes only train together: run "
            "train_trial or train_retrial, or unset it"
        )
    if cluster:
        print(WARNING, file=sys.stderr)
    run = _configured(run_dir, pipeline_options, cache_sources, cluster)
    # Of several that train together the first locks the folder; others write nothing.
    with run.folder.lock() if run.is_chief else contextlib.nullcontext():
        if run.is_chief:
            world_description.require_unchanged(run.suite.world, run.folder)
            run.discard_left()
        yield run


def plan(run_dir: str) -> tuple[Run, list[rehearsal.PlannedStage]]:
    """Return a run, and what its stages would do; write nothing.

    Raises:
      UserError: if the configuration does not fit.
    """
    run = _configured(run_dir)
    return run, rehearsal.rehearse(run, [STAGES[name] for name in _names(run)])


def _names(run: Run) -> list[str]:
    """Names of the stages of `wtl run`."""
    if run.suite.world.make_env is None:
        return [train_trial.__name__, evaluate.__name__]  # all that it has data for
    return list(STAGES)


def _configured(
    run_dir: str,
    pipeline_options: Sequence[str] | None = None,
    cache_sources: Sequence[run_folder.RunFolder] = (),
    cluster: Cluster | None = None,
) -> Run:
    """Return the run of the current configuration; see `open_run`."""
    try:
        tasks = suite()
        seed, workers, share = _settings()
        camera = _camera()
    except TypeError as error:
        raise UserError(f"the configuration is wrong: {error}") from error
    beam = None
    if pipeline_options is not None:
        beam = BeamRunner(workers, tuple(pipeline_options))
    folder = run_folder.RunFolder(run_dir)
    tasks = imported.on_its_data(tasks, folder)
    run = Run(folder, tasks, seed, workers, camera, cache_sources, beam, cluster, share)
    run.trial_tasks()  # a wrong share is refused before work
    if camera:
        run.require_capability("has_cameras", "camera.pixels")
    return run


def perform(run: Run, names: list[str]) -> Any:
    """Perform stages in order, and store the operative configuration.

    Returns:
      The return value of the last stage.

    Raises:
      UserError: if a stage fails; of several, before the first starts, if the arguments
        of one are wrong.
    """
    choices.check("the stage", names, STAGES | BASELINES)
    made = None
    if set(names) == set(STAGES):
        names = _names(run)
    if len(names) > 1:
        rehearsal.rehearse(run, [STAGES[name] for name in names])
    for name in names:
        try:
            made = (STAGES | BASELINES)[name](run)
        finally:
            if run.is_chief:
                run.folder.write("config.gin", gin.operative_config_str())
    return made
