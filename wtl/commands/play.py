"""`wtl play`: one scene as a video."""

import argparse
import pathlib

from wtl.commands.command import RUN, command, option, path
from wtl.commands.stage import open_run


@command(
    *RUN,
    option(
        "--who",
        default="wtl",
        metavar="CONDITION",
        help="demonstrator (the scripted expert), or a condition of the evaluation: "
        "wtl (default), mil, bc, ...; the context episodes of a policy are shown "
        "beside it",
    ),
    option("--split", choices=("val", "test"), default="test"),
    option("--family", default="", help="of the task; any by default"),
    option("--task", type=int, default=0, help="number of the task"),
    option("--scene", type=int, default=0, help="number of its scene"),
    option(
        "--out",
        type=path,
        help="FILE.mp4 or FILE.svg; by default RUN/play/CONDITION.mp4",
    ),
)
def play(options: argparse.Namespace) -> None:
    """Record a video of a policy or the scripted expert in one scene."""
    with open_run(options) as (_, run):
        from wtl.pipeline import play

        out = options.out or run.folder.path / "play" / f"{options.who}.mp4"
        scene = (options.family, options.task, options.scene, options.split)
        print(play.play(run, options.who, *scene, pathlib.Path(out)))
