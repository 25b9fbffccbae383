"""The run folder and configuration that a command's options name."""

import argparse
import contextlib
import pathlib

from wtl import notices


@contextlib.contextmanager
def open_run(
    options: argparse.Namespace,
    pipeline_options: list[str] | None = None,
    together: bool = False,
):
    """Yield the module `wtl.pipeline.stages`, configured, and the opened `Run`.

    Args:
      options: have `gin_file`, `gin_bindings`, `run_dir` and `verbosity`.
      pipeline_options: see `wtl.pipeline.stages.open_run`.
      together: see `wtl.pipeline.stages.open_run`.
    """
    with notices.Dropped(options.verbosity):
        from wtl.pipeline import stages
    stages.configure(options.gin_file, options.gin_bindings)
    run_dir = options.run_dir or f"runs/{pathlib.Path(options.gin_file).stem}"
    with stages.open_run(run_dir, pipeline_options, together) as run:
        yield stages, run
