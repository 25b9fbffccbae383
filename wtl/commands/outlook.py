"""Plan of a run, and the commands that come after it."""

import pathlib
import shlex
import sys

from wtl.commands import colour


def show_plan(run, planned) -> None:
    """Print which stages of a run are done, and how long the others take.

    Args:
      run: a `wtl.pipeline.run.Run`.
      planned: its stages, see `wtl.pipeline.rehearsal`.
    """
    from wtl.pipeline import pace

    print(f"{run.folder.path} (nothing is started)")
    total, has_unknown = 0.0, False
    for stage in planned:
        state, style, time = "reused", colour.GREEN, ""
        if not stage.is_done:
            seconds = pace.seconds(run, stage)
            total += seconds or 0.0
            has_unknown |= seconds is None
            time = "unknown time" if seconds is None else duration(seconds)
            state = "resumes" if stage.is_begun else "runs"
            style = colour.YELLOW
        painted = colour.paint(f"{state:8}", style, sys.stdout)
        print(f"  {stage.name:22} {painted} {time}".rstrip())
    known = duration(total) if total else ""
    unknown = "stages of unknown time" if has_unknown else ""
    told = f" (known after a run of this world in {run.folder.path.parent})"
    words = " and ".join(filter(None, (known, unknown))) or "nothing to do"
    print(f"In all: {words}{told if has_unknown else ''}")


def show_next(run, evaluation: pathlib.Path) -> None:
    """Print commands that use a finished run.

    Args:
      run: a `wtl.pipeline.run.Run`.
      evaluation: folder of its results.
    """
    path = run.folder.path
    folder = shlex.quote(str(path))
    steps = {"see the report": evaluation.absolute() / "report.html"}
    steps["see its episodes"] = f"wtl view {folder}"
    has_pictures = run.suite.layout.drawing is not None or run.suite.world.images
    if has_pictures and run.suite.world.make_env and run.has_policy("wtl"):
        config = shlex.quote(str(path / "config.gin"))
        steps["film a scene"] = f"wtl play --gin_file={config} --run_dir={folder}"
        steps["teach it a task"] = f"wtl teach {folder}"
    steps["see all runs"] = f"wtl runs {shlex.quote(str(path.parent))}"
    print("\nNext:")
    for purpose, step in steps.items():
        print(f"  {purpose:18}{step}")


def duration(seconds: float) -> str:
    """Return a time in words."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:.0f} {unit}"
    return f"about {max(seconds, 1):.0f} s"
