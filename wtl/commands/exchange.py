"""`wtl export` and `wtl import`: datasets in the formats of other tools."""

import argparse
import contextlib

from wtl import notices
from wtl.commands.command import DATASET, DATASETS_OUT, command, option


@command(
    DATASET,
    option("target", help="file or folder to write"),
    option("--format", choices=("robomimic", "lerobot"), required=True),
)
def export(options: argparse.Namespace) -> None:
    """Write a dataset in the format of another tool."""
    with notices.Dropped(options.verbosity):
        from wtl.datasets.interchange import lerobot, robomimic
    format_ = {"robomimic": robomimic, "lerobot": lerobot}[options.format]
    count = format_.export(options.source, options.target)
    print(f"{options.target} holds {count} episodes")


@command(
    option(
        "source", help="HDF5 file of robomimic, or version folder of a TFDS dataset"
    ),
    option("--format", choices=("robomimic", "rlds"), required=True),
    DATASETS_OUT,
    option(
        "--name", required=True, help="of the dataset, in lower case with underscores"
    ),
    option(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=KEY[,KEY...]",
        help="arrays there that are state, image, action, reward, ... here; several "
        "are joined; not needed for what `wtl export` wrote",
    ),
    option(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="metadata of all episodes, as family=lift; may be repeated",
    ),
    option(
        "--last_action_counts",
        action="store_true",
        help="RLDS: the last step's action and reward count, against the convention",
    ),
)
def import_(options: argparse.Namespace) -> None:
    """Make a dataset of one in the format of another tool."""
    with notices.Dropped(options.verbosity):
        from wtl.datasets.interchange import field_mapping, import_episodes
        from wtl.pipeline import run_folder
    mapping = None
    if options.map or options.set or options.format == "rlds":
        mapping = field_mapping.FieldMapping.parse(
            options.map, options.set, options.name
        )
    with _opened(options, mapping) as (source, identity):
        provenance = {
            **run_folder.origin(),
            "command": f"import {options.format}",
            "map": options.map,
            "set": options.set,
            "source": identity,
        }
        version = import_episodes.import_episodes(
            source.episodes(),
            options.out,
            options.name,
            provenance,
            source.license,
            native_actions=mapping is not None,
        )
    print(f"{version} holds the episodes of {options.source}")


@contextlib.contextmanager
def _opened(options: argparse.Namespace, mapping):
    """Yield the opened source, and what identifies it in the provenance."""
    from wtl.datasets.interchange import rlds, robomimic
    from wtl.datasets.storage import checksums

    if options.format == "rlds":
        source = rlds.RldsDataset(options.source, mapping, options.last_action_counts)
        yield source, {"tfds": source.name}
        return
    with robomimic.RobomimicFile(options.source, mapping) as source:
        yield source, {"sha256": checksums.checksum(source.path).sha256}
