"""Commands that make datasets of datasets, and exchange them with other formats."""

import argparse
from collections.abc import Callable

from wtl import notices
from wtl.errors import UserError


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


def _origin() -> dict:
    from wtl.pipeline import run_folder

    return {"commit": run_folder.commit(), "versions": run_folder.versions()}


def _quietly(options):
    notices.quiet(options.verbosity)
    return notices.Dropped(options.verbosity)


def _filter(options) -> int:
    with _quietly(options):
        from datasets import condition, curate
    conditions = [condition.parse(text) for text in options.where]
    return _report(
        curate.filter_episodes(options.source, options.out, conditions, _origin())
    )


def _sample(options) -> int:
    with _quietly(options):
        from datasets import curate
    return _report(
        curate.sample_episodes(
            options.source, options.out, options.per_task, options.seed, _origin()
        )
    )


def _merge(options) -> int:
    with _quietly(options):
        from datasets import curate
    return _report(curate.merge_datasets(options.sources, options.out, _origin()))


def _split(options) -> int:
    with _quietly(options):
        from datasets import curate
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
