"""`wtl play`: one scene as a video."""

import argparse
import pathlib

from wtl.commands.command import RUN, Command, Option
from wtl.commands.opened_run import open_run


def _play(options: argparse.Namespace) -> None:
    with open_run(options) as (_, run):
        from wtl.pipeline import play

        out = options.out or run.folder.path / "play" / f"{options.who}.mp4"
        scene = (options.family, options.task, options.scene, options.split)
        print(play.play(run, options.who, *scene, out))


COMMAND = Command(
    "play",
    "record a video of a policy or the scripted expert in one scene",
    _play,
    *RUN,
    Option(
        "--who",
        default="wtl",
        metavar="CONDITION",
        help="demonstrator (the scripted expert), or a condition of the "
        "evaluation: wtl (default), mil, bc, ...; the context episodes of a "
        "policy are shown beside it",
    ),
    Option("--split", choices=("val", "test"), default="test"),
    Option("--family", default="", help="of the task; any by default"),
    Option("--task", type=int, default=0, help="number of the task"),
    Option("--scene", type=int, default=0, help="number of its scene"),
    Option(
        "--out",
        type=pathlib.Path,
        help="FILE.mp4 or FILE.svg; by default RUN/play/CONDITION.mp4",
    ),
)
