"""`wtl dataset`: new versions of datasets out of the episodes of others."""

import argparse

from wtl import notices
from wtl.commands.command import (
    DATASET,
    DATASETS_OUT,
    Command,
    CommandGroup,
    OneOf,
    Option,
)
from wtl.datasets.contract.errors import UserError


def _filter(options: argparse.Namespace) -> None:
    curate, origin = _tools(options)
    from wtl.datasets.curation import metadata_filter

    conditions = [metadata_filter.parse(text) for text in options.where]
    _report(curate.filter_episodes(options.source, options.out, conditions, origin))


def _sample(options: argparse.Namespace) -> None:
    curate, origin = _tools(options)
    _report(
        curate.sample_episodes(
            options.source, options.out, options.per_task, options.seed, origin
        )
    )


def _merge(options: argparse.Namespace) -> None:
    curate, origin = _tools(options)
    _report(curate.merge_datasets(options.sources, options.out, origin))


def _split(options: argparse.Namespace) -> None:
    curate, origin = _tools(options)
    if options.fractions is not None:
        fractions = _fractions(options.fractions)
        curated = curate.split_by_fractions(
            options.source, options.out, fractions, options.seed, origin
        )
    else:
        curated = curate.split_by_assignment(
            options.source, options.out, _assignment(options.assign), origin
        )
    _report(curated)


def _tools(options: argparse.Namespace):
    """Return the module of the operations, and the provenance of their results."""
    with notices.Dropped(options.verbosity):
        from wtl.datasets.curation import curate
        from wtl.pipeline import run_folder
    return curate, run_folder.origin()


def _fractions(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        shares = {split: float(share) for split, share in pairs}
    except ValueError:
        raise UserError(f"{text!r} is not of the form SPLIT=SHARE,...") from None
    if len(shares) != len(pairs):
        raise UserError(f"{text!r} names a split twice")
    return shares


def _assignment(texts: list[str]) -> dict[str, str]:
    """Return the split of each object set that `--assign` names."""
    splits: dict[str, str] = {}
    for text in texts:
        split, sign, names = text.partition("=")
        if not sign or not names:
            raise UserError(f"{text!r} is not of the form SPLIT=OBJECT_SET,...")
        for name in names.split(","):
            if splits.setdefault(name, split) != split:
                raise UserError(
                    f"object set {name!r} is given to {splits[name]} and to {split}"
                )
    return splits


def _report(curated) -> None:
    print(f"{curated.path} holds {curated.kept} of {curated.seen} episodes")


_SEED = Option("--seed", type=int, default=0)
COMMAND = CommandGroup(
    "dataset",
    "make a new version of a dataset: filter, sample, merge, split",
    Command(
        "filter",
        "keep the episodes that fulfil every condition",
        _filter,
        DATASET,
        Option(
            "--where",
            action="append",
            required=True,
            metavar="FIELD=VALUE[,VALUE...]",
            help="a condition, != for its contrary; may be repeated",
        ),
        DATASETS_OUT,
    ),
    Command(
        "sample",
        "keep as many episodes of every task, drawn by a seed",
        _sample,
        DATASET,
        Option("--per_task", type=int, required=True),
        _SEED,
        DATASETS_OUT,
    ),
    Command(
        "merge",
        "make one dataset of several",
        _merge,
        Option("sources", nargs="+", help="RUN/datasets/NAME[/VERSION] ..."),
        DATASETS_OUT,
    ),
    Command(
        "split",
        "put object sets into other splits, whole",
        _split,
        DATASET,
        OneOf(
            Option(
                "--fractions",
                metavar="SPLIT=SHARE,...",
                help="deal all object sets out by a seed, as train=0.8,val=0.2",
            ),
            Option(
                "--assign",
                action="append",
                metavar="SPLIT=OBJECT_SET[,OBJECT_SET...]",
                help="move these object sets alone; may be repeated",
            ),
        ),
        _SEED,
        DATASETS_OUT,
    ),
)
