"""The stages in order, and what gin may configure."""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterator

import gin

from datasets import images
from wtl.envs import motors, puck
from wtl.envs import suite as suites
from wtl.errors import UserError
from wtl.pipeline import run_folder
from wtl.pipeline.collect_demos import collect_demos
from wtl.pipeline.collect_human_videos import collect_human_videos
from wtl.pipeline.collect_trials import collect_trials
from wtl.pipeline.evaluate import evaluate
from wtl.pipeline.run import Run
from wtl.pipeline.teleop import teleop as _teleop
from wtl.pipeline.train import train_retrial, train_trial

STAGES: dict[str, Callable[[Run], None]] = {
    stage.__name__: gin.external_configurable(stage, stage.__name__, module="wtl")
    for stage in (
        collect_demos,
        collect_human_videos,
        train_trial,
        collect_trials,
        train_retrial,
        evaluate,
    )
}
_SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "gin_configs"
teleop = gin.external_configurable(_teleop, "teleop", module="wtl")
suite = gin.external_configurable(suites.Suite, "suite", module="wtl")
gin.external_configurable(motors.MotorFaults, "motor_faults", module="wtl")
gin.external_configurable(puck.PuckRanges, "puck", module="wtl")


@gin.configurable("run", module="wtl")
def _settings(seed: int = 0, workers: int = 2) -> tuple[int, int]:
    return seed, workers


@gin.configurable("camera", module="wtl")
def _camera(
    pixels: int = 0, encoding: str = images.PNG, wrist: bool = False
) -> tuple[int, str, bool]:
    if encoding not in images.ENCODINGS:
        raise UserError(
            f"camera.encoding is {encoding!r}; known are {', '.join(images.ENCODINGS)}"
        )
    if wrist and not pixels:
        raise UserError("camera.wrist needs a size: set camera.pixels")
    return pixels, encoding, wrist


def configure(gin_file: str, bindings: list[str]):
    """Parses a gin file and bindings.

    Raises:
      UserError: if the file is missing or anything in it is unknown.
    """
    gin.clear_config()
    gin.add_config_file_search_path(str(pathlib.Path(gin_file).resolve().parent))
    # A file of one's own, wherever it lies, may include those shipped.
    gin.add_config_file_search_path(str(_SHIPPED))
    # Gin logs an error for each place where an included file is not.
    logging.disable(logging.ERROR)
    try:
        gin.parse_config_files_and_bindings([gin_file], bindings)
    except OSError as error:
        raise UserError(
            f"the gin file {gin_file}, or one that it includes, can't be read; see "
            "gin_configs/ for those shipped"
        ) from error
    except (ValueError, TypeError, SyntaxError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"the configuration is wrong: {first} Configurable are run, suite, "
            f"motor_faults, puck, camera, teleop and {', '.join(STAGES)}; see "
            "gin_configs/"
        ) from error
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def open_run(run_dir: str) -> Iterator[Run]:
    """Claims a run folder under the current configuration.

    Raises:
      UserError: if the folder is in use, or the configuration does not fit.
    """
    try:
        tasks = suite()
        seed, workers = _settings()
        pixels, encoding, wrist = _camera()
    except TypeError as error:
        raise UserError(f"the configuration is wrong: {error}") from error
    folder = run_folder.RunFolder(run_dir)
    with folder.lock():
        run = Run(folder, tasks, seed, workers, pixels, encoding, wrist)
        if pixels:
            run.require_cameras("camera.pixels")
        yield run


def perform(run: Run, names: list[str]):
    """Performs stages in order, keeping the operative configuration."""
    for name in names:
        try:
            STAGES[name](run)
        finally:
            run.folder.write("config.gin", gin.operative_config_str())
