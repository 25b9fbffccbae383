"""`wtl export` and `wtl import`: datasets in the formats of other tools."""

import argparse
import contextlib

from wtl import notices
from wtl.commands.command import DATASET, DATASETS_OUT, Command, Option


def _export(options: argparse.Namespace) -> None:
    with notices.Dropped(options.verbosity):
        from wtl.datasets.interchange import lerobot, robomimic
    format_ = {"robomimic": robomimic, "lerobot": lerobot}[options.format]
    count = format_.export(options.source, options.target)
    print(f"{options.target} holds {count} episodes")


def _import(options: argparse.Namespace) -> None:
    with notices.Dropped(options.verbosity):
        from wtl.datasets.interchange import field_mapping, import_episodes
        from wtl.pipeline import run_folder
    mapping = None
    if options.map or options.set or options.format == "rlds":
        mapping = field_mapping.FieldMapping.parse(
            options.map, options.set, options.name
        )
    with _SOURCES[options.format](options, mapping) as (source, identity):
        version = import_episodes.import_episodes(
            source.episodes(),
            options.out,
            options.name,
            {
                **run_folder.origin(),
                "command": f"import {options.format}",
                "map": options.map,
                "set": options.set,
                "source": identity,
            },
            source.license,
        )
    print(f"{version} holds the episodes of {options.source}")


@contextlib.contextmanager
def _robomimic(options: argparse.Namespace, mapping):
    from wtl.datasets.interchange import robomimic
    from wtl.datasets.storage import checksums

    with robomimic.RobomimicFile(options.source, mapping) as source:
        yield source, {"sha256": checksums.checksum(source.path).sha256}


@contextlib.contextmanager
def _rlds(options: argparse.Namespace, mapping):
    from wtl.datasets.interchange import rlds

    source = rlds.RldsDataset(options.source, mapping, options.last_action_counts)
    yield source, {"tfds": source.name}


# Format -> context of the opened source and what identifies it in the provenance.
_SOURCES = {"robomimic": _robomimic, "rlds": _rlds}

COMMANDS = (
    Command(
        "export",
        "write a dataset in the format of another tool",
        _export,
        DATASET,
        Option("target", help="file or folder to write"),
        Option("--format", choices=("robomimic", "lerobot"), required=True),
    ),
    Command(
        "import",
        "make a dataset of one in the format of another tool",
        _import,
        Option(
            "source", help="HDF5 file of robomimic, or version folder of a TFDS dataset"
        ),
        Option("--format", choices=tuple(_SOURCES), required=True),
        DATASETS_OUT,
        Option(
            "--name",
            required=True,
            help="of the dataset, in lower case with underscores",
        ),
        Option(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=KEY[,KEY...]",
            help="arrays there that are state, image, action, reward, ... here; "
            "several are joined; not needed for what `wtl export` wrote",
        ),
        Option(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="metadata of all episodes, as family=lift; may be repeated",
        ),
        Option(
            "--last_action_counts",
            action="store_true",
            help="RLDS: the last step's action and reward count, against the "
            "convention",
        ),
    ),
)
