"""`wtl export` and `wtl import`: datasets in the formats of other tools."""

import argparse
import contextlib
import dataclasses
import sys

from wtl import notices
from wtl.commands import error_line
from wtl.commands.command import DATASETS_OUT, command, option, path
from wtl.datasets.contract.errors import UserError


@command(
    option(
        "source",
        type=path,
        help="RUN/datasets/NAME[/VERSION]; for wandb RUN, of which learning curves and "
        "results are exported",
    ),
    option("target", type=path, help="file or folder to write"),
    option(
        "--format",
        choices=("robomimic", "lerobot", "rerun", "wandb"),
        required=True,
    ),
    option(
        "--videos",
        action="store_true",
        help="for lerobot: store images as AV1 videos, smaller and with loss",
    ),
)
def export(options: argparse.Namespace) -> None:
    """Write a dataset, or the curves of a run, in the format of another tool."""
    if options.videos and options.format != "lerobot":
        raise UserError(f"--videos is of --format=lerobot, not {options.format}")
    if options.format == "wandb":
        from wtl.evaluation import wandb_export

        count = wandb_export.export(options.source, options.target)
        print(error_line.printable(f"{options.target} holds {count} runs"))
        return
    with notices.loading(options.verbosity):
        from wtl.datasets.interchange import lerobot, rerun, robomimic
    formats = {"robomimic": robomimic, "lerobot": lerobot, "rerun": rerun}
    format_ = formats[options.format]
    chosen = {"videos": True} if options.videos else {}
    count = format_.export(options.source, options.target, **chosen)
    print(error_line.printable(f"{options.target} holds {count} episodes"))


@command(
    option(
        "source",
        type=path,
        help="HDF5 file of robomimic, folder of a LeRobot dataset, or version folder "
        "of a TFDS dataset",
    ),
    option("--format", choices=("robomimic", "lerobot", "rlds"), required=True),
    DATASETS_OUT,
    option(
        "--name", required=True, help="of the dataset, in lower case with underscores"
    ),
    option(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=KEY[,KEY...]",
        help="arrays there that are an observation, action, reward, ... here, in place "
        "of all observations under their own names; several are joined",
    ),
    option(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="metadata of all episodes, as family=lift; may be repeated",
    ),
    option(
        "--pixels",
        type=int,
        default=0,
        help="crop images to the largest centred square and scale it to this many "
        "pixels a side; by default they keep their size",
    ),
    option(
        "--image_range",
        metavar="LOW,HIGH",
        help="least and greatest value of images that are not uint8, as 0,1; "
        "without it they are kept as numbers (for -1,1 write --image_range=-1,1)",
    ),
    option(
        "--last_action_counts",
        action="store_true",
        help="RLDS: the last step's action and reward count, against the convention",
    ),
)
def import_(options: argparse.Namespace) -> None:
    """Make a dataset of one in the format of another tool."""
    with notices.loading(options.verbosity):
        from wtl.datasets.format import schema
        from wtl.datasets.interchange import field_mapping, image_form, import_episodes
        from wtl.pipeline import run_folder
    images = image_form.ImageForm.parse(options.pixels, options.image_range)
    mapping = field_mapping.FieldMapping.parse(
        options.map, options.set, options.name, images
    )
    with _opened(options, mapping) as source:
        provenance = {
            **run_folder.origin(),
            "command": f"import {options.format}",
            "map": options.map,
            "set": options.set,
            "images": dataclasses.asdict(images),
            "source": source.identity,
        }
        version = import_episodes.import_episodes(
            source.episodes(),
            options.out,
            options.name,
            provenance,
            source.license,
            action_limits=source.action_limits,
            action_names=source.action_names,
        )
    lines = [f"{count} episodes: {text}" for text, count in mapping.remarks.items()]
    lines.append(source.left_out and f"left out: {source.left_out}")
    lines.append(field_mapping.unseen(schema.stored_spec(version)))
    lines += mapping.doubts
    for line in filter(None, lines):
        print(f"wtl: {error_line.printable(line)}", file=sys.stderr)
    print(error_line.printable(f"{version} holds the episodes of {options.source}"))


@contextlib.contextmanager
def _opened(options: argparse.Namespace, mapping):
    """Yield the opened source."""
    with notices.loading(options.verbosity):
        from wtl.datasets.interchange import lerobot_dataset, rlds, robomimic

    if options.format == "rlds":
        yield rlds.RldsDataset(options.source, mapping, options.last_action_counts)
    elif options.format == "lerobot":
        yield lerobot_dataset.LeRobotDataset(options.source, mapping)
    else:
        with robomimic.RobomimicFile(options.source, mapping) as source:
            yield source
