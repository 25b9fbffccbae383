"""`wtl import_videos`: a dataset of videos of people."""

import argparse
import sys

from wtl import notices
from wtl.commands import error_line
from wtl.commands.command import DATASETS_OUT, command, count, option, path


@command(
    option(
        "folder",
        type=path,
        metavar="DIR",
        help="holds videos/*.mp4 or *.mov, and tasks.csv",
    ),
    DATASETS_OUT,
    option("--pixels", type=count, default=64, help="height and width of the images"),
    option(
        "--encoding", choices=("png", "jpeg"), default="png", help="how they are stored"
    ),
)
def import_videos(options: argparse.Namespace) -> int:
    """Make a dataset of videos of people."""
    with notices.loading(options.verbosity):
        from wtl.collection.worlds import registry
        from wtl.datasets.videos import import_videos, video_folder
        from wtl.pipeline import run_folder

    worlds = registry.usable()
    try:
        version = import_videos.import_videos(
            options.folder,
            options.out,
            pixels=options.pixels,
            encoding=options.encoding,
            families=[name for w in worlds if w.human_videos for name in w.families],
            origin=run_folder.origin(),
        )
    except video_folder.VideosError as error:
        advice = "nothing is published; correct this and rerun the command"
        for fault in (*error.faults, advice):
            print(f"wtl: {error_line.printable(fault)}", file=sys.stderr)
        return 1
    print(error_line.printable(f"{version} holds the videos of {options.folder}"))
    return 0
