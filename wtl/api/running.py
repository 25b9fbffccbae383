"""Stages of the pipeline, run from Python."""

import multiprocessing
import os
import pathlib
from collections.abc import Sequence

from wtl.datasets.contract.errors import UserError
from wtl.pipeline import stages


def run(
    gin_file: str | os.PathLike,
    run_dir: str | os.PathLike | None = None,
    bindings: Sequence[str] = (),
    stage: str | None = None,
) -> pathlib.Path:
    """Run the pipeline, or one stage of it, as `wtl run` and `wtl STAGE` do.

    Finished stages are skipped, so an interrupted call resumes when it is repeated.
    Worker processes import the calling script: guard the call of a script with
    `if __name__ == "__main__":`.

    Args:
      gin_file: configuration, see `gin_configs/`.
      run_dir: run folder; by default `runs/` and the name of the gin file.
      bindings: lines such as `"suite.test_tasks = 20"` that override it.
      stage: name of a stage; None for all.

    Returns:
      The run folder.

    Raises:
      UserError: if the configuration is wrong, an input of a stage is missing, or the
        call of a script is not guarded.
    """
    # True in a worker that imports the script of its parent process.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UserError(
            "a worker process imports this script and would run it again: put the call "
            'of wtl.run() below `if __name__ == "__main__":`'
        )
    folder = pathlib.Path("runs", pathlib.Path(gin_file).stem)
    folder = pathlib.Path(os.path.expanduser(run_dir or folder))
    bindings = [bindings] if isinstance(bindings, str) else bindings
    stages.configure(str(gin_file), list(bindings))
    with stages.open_run(str(folder)) as opened:
        stages.perform(opened, [stage] if stage else list(stages.STAGES))
    return folder
