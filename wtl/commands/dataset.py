"""Commands that make datasets of datasets, and exchange them with other formats."""

import argparse
import contextlib
from collections.abc import Callable

from wtl import notices
from wtl.datasets.contract.errors import UserError


def add(commands, add_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the commands.

    Args:
      commands: sub-parsers of the command line.
      add_command: (sub-parsers, name, summary, function) -> parser of a command.
    """
    dataset = commands.add_parser(
        "dataset",
        help="make a new version of a dataset: filter, sample, merge, split",
    ).add_subparsers(metavar="OPERATION", required=True)
    chosen = add_command(
        dataset, "filter", "keep the episodes that fulfil every condition", _filter
    )
    chosen.add_argument(
        "--where",
        action="append",
        required=True,
        metavar="FIELD=VALUE[,VALUE...]",
        help="a condition, != for its contrary; may be repeated",
    )
    sample = add_command(
        dataset,
        "sample",
        "keep as many episodes of every task, drawn by a seed",
        _sample,
    )
    sample.add_argument("--per_task", type=int, required=True)
    sample.add_argument("--seed", type=int, default=0)
    merge = add_command(dataset, "merge", "make one dataset of several", _merge)
    split = add_command(
        dataset, "split", "put object sets into other splits, whole", _split
    )
    how = split.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--fractions",
        metavar="SPLIT=SHARE,...",
        help="deal all object sets out by a seed, as train=0.8,val=0.1,test=0.1",
    )
    how.add_argument(
        "--assign",
        action="append",
        metavar="SPLIT=OBJECT_SET[,OBJECT_SET...]",
        help="move these object sets alone; may be repeated",
    )
    split.add_argument("--seed", type=int, default=0)
    for command in (chosen, sample, split):
        command.add_argument("source", help="RUN/datasets/NAME[/VERSION]")
    merge.add_argument("sources", nargs="+", help="RUN/datasets/NAME[/VERSION] ...")
    for command in (chosen, sample, merge, split):
        command.add_argument(
            "--out", required=True, help="where datasets are published, as RUN/datasets"
        )

    exporter = add_command(
        commands, "export", "write a dataset in the format of another tool", _export
    )
    exporter.add_argument("source", help="RUN/datasets/NAME[/VERSION]")
    exporter.add_argument("target", help="file or folder to write")
    exporter.add_argument("--format", choices=("robomimic", "lerobot"), required=True)
    importer = add_command(
        commands,
        "import",
        "make a dataset of one in the format of another tool",
        _import,
    )
    importer.add_argument(
        "source", help="HDF5 file of robomimic, or version folder of a TFDS dataset"
    )
    importer.add_argument("--format", choices=("robomimic", "rlds"), required=True)
    importer.add_argument(
        "--out", required=True, help="where datasets are published, as RUN/datasets"
    )
    importer.add_argument(
        "--name", required=True, help="of the dataset, in lower case with underscores"
    )
    importer.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=KEY[,KEY...]",
        help="which arrays there are state, image, action, reward, ...; several are "
        "joined; not needed for what `wtl export` wrote",
    )
    importer.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="metadata of all episodes, as family=lift; may be repeated",
    )
    importer.add_argument(
        "--last_action_counts",
        action="store_true",
        help="RLDS: the last step's action and reward count, against the convention",
    )


def _origin() -> dict:
    from wtl.pipeline import run_folder

    return {"commit": run_folder.commit(), "versions": run_folder.versions()}


def _quietly(options):
    notices.quiet(options.verbosity)
    return notices.Dropped(options.verbosity)


def _filter(options) -> int:
    with _quietly(options):
        from wtl.datasets.curation import curate, metadata_filter
    conditions = [metadata_filter.parse(text) for text in options.where]
    return _report(
        curate.filter_episodes(options.source, options.out, conditions, _origin())
    )


def _sample(options) -> int:
    with _quietly(options):
        from wtl.datasets.curation import curate
    return _report(
        curate.sample_episodes(
            options.source, options.out, options.per_task, options.seed, _origin()
        )
    )


def _merge(options) -> int:
    with _quietly(options):
        from wtl.datasets.curation import curate
    return _report(curate.merge_datasets(options.sources, options.out, _origin()))


def _split(options) -> int:
    with _quietly(options):
        from wtl.datasets.curation import curate
    if options.fractions is not None:
        fractions = _fractions(options.fractions)
        made = curate.split_by_fractions(
            options.source, options.out, fractions, options.seed, _origin()
        )
    else:
        made = curate.split_by_assignment(
            options.source, options.out, _assigned(options.assign), _origin()
        )
    return _report(made)


def _fractions(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        shares = {split: float(share) for split, share in pairs}
    except ValueError:
        raise UserError(f"{text!r} is not of the form SPLIT=SHARE,...") from None
    if len(shares) != len(pairs):
        raise UserError(f"{text!r} names a split twice")
    return shares


def _assigned(texts: list[str]) -> dict[str, str]:
    assigned: dict[str, str] = {}
    for text in texts:
        split, sign, names = text.partition("=")
        if not sign or not names:
            raise UserError(f"{text!r} is not of the form SPLIT=OBJECT_SET,...")
        for name in names.split(","):
            if assigned.setdefault(name, split) != split:
                raise UserError(
                    f"object set {name!r} is given to {assigned[name]} and to {split}"
                )
    return assigned


def _report(made) -> int:
    print(f"{made.path} holds {made.kept} of {made.seen} episodes")
    return 0


def _export(options) -> int:
    with _quietly(options):
        from wtl.datasets.interchange import lerobot, robomimic
    format_ = {"robomimic": robomimic, "lerobot": lerobot}[options.format]
    count = format_.export(options.source, options.target)
    print(f"{options.target} holds {count} episodes")
    return 0


def _import(options) -> int:
    with _quietly(options):
        from wtl.datasets.interchange import field_mapping, import_episodes
    mapping = None
    if options.map or options.set or options.format == "rlds":
        mapping = field_mapping.FieldMapping.parse(
            options.map, options.set, options.name
        )
    with contextlib.ExitStack() as stack:
        source, named = _SOURCES[options.format](options, mapping, stack)
        version = import_episodes.import_episodes(
            source.episodes(),
            options.out,
            options.name,
            {
                **_origin(),
                "command": f"import {options.format}",
                "map": options.map,
                "set": options.set,
                "source": named,
            },
            source.license,
        )
    print(f"{version} holds the episodes of {options.source}")
    return 0


def _robomimic(options, mapping, stack):
    from wtl.datasets.interchange import robomimic
    from wtl.datasets.storage import checksums

    source = stack.enter_context(robomimic.RobomimicFile(options.source, mapping))
    return source, {"sha256": checksums.checksum(source.path).sha256}


def _rlds(options, mapping, stack):
    from wtl.datasets.interchange import rlds

    del stack  # Nothing stays open.
    source = rlds.RldsDataset(options.source, mapping, options.last_action_counts)
    return source, {"tfds": source.name}


_SOURCES = {"robomimic": _robomimic, "rlds": _rlds}
