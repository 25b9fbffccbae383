"""`wtl dataset`: new versions of datasets out of the episodes of others."""

import argparse
import functools

from wtl import notices
from wtl.commands.command import (
    DATASET,
    DATASETS_OUT,
    command,
    count,
    one_of,
    option,
    path,
    verbs_below,
)
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import listed

_SEED = option("--seed", type=int, default=0)


@command(
    DATASET,
    option(
        "--where",
        action="append",
        required=True,
        metavar="FIELD=VALUE[,VALUE...]",
        help="a condition, != for its contrary; may be repeated",
    ),
    DATASETS_OUT,
)
def filter_(options: argparse.Namespace) -> None:
    """Keep the episodes that fulfil every condition."""
    curate, curation = _tools(options)
    from wtl.datasets.curation import metadata_filter

    source = curation([options.source])
    values = functools.cache(source.values)
    conditions = [
        metadata_filter.parse(text, lambda field, value: value in values(field))
        for text in options.where
    ]
    _report(curate.filter_episodes(source, conditions))


@command(DATASET, option("--per_task", type=count, required=True), _SEED, DATASETS_OUT)
def sample(options: argparse.Namespace) -> None:
    """Keep as many episodes of every task, drawn by a seed."""
    curate, curation = _tools(options)
    source = curation([options.source])
    _report(curate.sample_episodes(source, options.per_task, options.seed))


@command(
    option("sources", type=path, nargs="+", help="RUN/datasets/NAME[/VERSION] ..."),
    DATASETS_OUT,
)
def merge(options: argparse.Namespace) -> None:
    """Make one dataset of several."""
    curate, curation = _tools(options)
    _report(curate.merge_datasets(curation(options.sources)))


@command(
    DATASET,
    one_of(
        option(
            "--fractions",
            metavar="SPLIT=SHARE,...",
            help="deal all object sets out by a seed, as train=0.8,val=0.2",
        ),
        option(
            "--assign",
            action="append",
            metavar="SPLIT=OBJECT_SET[,OBJECT_SET...]",
            help="move these object sets alone; may be repeated",
        ),
    ),
    _SEED,
    DATASETS_OUT,
)
def split(options: argparse.Namespace) -> None:
    """Put object sets into other splits, whole."""
    curate, curation = _tools(options)
    if options.fractions is not None:
        shares = _fractions(options.fractions)
        source = curation([options.source])
        _report(curate.split_by_fractions(source, shares, options.seed))
    else:
        source = curation([options.source])
        assigned = _assignment(options.assign, source.values(fields.OBJECT_SET))
        _report(curate.split_by_assignment(source, assigned))


def _tools(options: argparse.Namespace):
    """Return the module of the operations, and the function that opens sources."""
    with notices.loading(options.verbosity):
        from wtl.datasets.curation import curate
        from wtl.datasets.curation.curation import Curation
        from wtl.pipeline import run_folder
    origin = run_folder.origin()
    return curate, functools.partial(Curation, root=options.out, origin=origin)


def _fractions(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        shares = {split: float(share) for split, share in pairs}
    except ValueError:
        raise UserError(f"{text!r} is not of the form SPLIT=SHARE,...") from None
    if len(shares) != len(pairs):
        raise UserError(f"{text!r} names a split twice")
    return shares


def _assignment(texts: list[str], known: set[str]) -> dict[str, str]:
    """Return the split of each object set that `--assign` names."""
    splits: dict[str, str] = {}
    for text in texts:
        split, sign, names = text.partition("=")
        if not sign or not names:
            raise UserError(f"{text!r} is not of the form SPLIT=OBJECT_SET,...")
        for name in listed(names, known.__contains__):
            if splits.setdefault(name, split) != split:
                raise UserError(
                    f"object set {name!r} is given to {splits[name]} and to {split}"
                )
    return splits


def _report(curated) -> None:
    print(f"{curated.path} holds {curated.kept} of {curated.seen} episodes")


dataset = verbs_below(
    "dataset",
    "make a new version of a dataset: filter, sample, merge, split",
    *(filter_, sample, merge, split),
)
