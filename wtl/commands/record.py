"""`wtl record`: episodes of a controller of one's own."""

import argparse
import contextlib
import sys

from wtl import notices
from wtl.commands import error_line, place
from wtl.commands.command import command, count, option, path
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError


@command(
    option(
        "--world",
        required=True,
        metavar="MODULE:WORLD",
        help="or the name of an installed world",
    ),
    option(
        "--act",
        required=True,
        metavar="MODULE:NAME",
        help="function (observation) -> action, or an object with `act`, and `reset` "
        "where it has to know of new episodes",
    ),
    option(
        "--out",
        type=path,
        required=True,
        metavar="DIR",
        help="folder of the dataset, as data/my_demos or RUN/datasets/wtl_demos",
    ),
    option("--task", type=int, default=0, help="number of the first task"),
    option("--tasks", type=count, default=1, help="number of tasks, taken in turn"),
    option("--split", choices=fields.SPLITS, default=fields.SPLIT_TRAIN),
    option("--seed", type=int, default=0, help="of tasks and scenes"),
    option(
        "--episodes",
        type=count,
        help="of all tasks, with those of earlier calls; by default 50, required where "
        "there is no terminal",
    ),
    option(
        "--fast",
        action="store_true",
        help="do not wait for the control period: for simulators",
    ),
)
def record(options: argparse.Namespace) -> int:
    """Record demonstrations of a controller of your own, durably."""
    has_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not has_terminal and not options.episodes:
        raise UserError("there is no terminal to read keys from: give --episodes=N")
    with notices.loading(options.verbosity):
        from wtl.pipeline import record
    # Its module may register the world.
    controller = record.Controller(options.act, place.load(options.act))
    world = place.world(options.world)
    tasks = record.tasks(
        world, options.split, options.seed, options.task, options.tasks
    )
    with contextlib.ExitStack() as stack:
        terminal = None
        if has_terminal:
            from wtl.commands.terminal import Terminal

            terminal = stack.enter_context(Terminal())
        version, missing = record.record(
            world,
            controller,
            options.out,
            tasks,
            options.episodes or 50,
            options.seed,
            options.fast,
            terminal,
        )
    if version:
        print(error_line.printable(f"{version} holds all kept episodes"))
    if missing and not has_terminal:
        print(
            f"wtl: {missing} demonstrations failed and are not kept; rerun the command "
            "to try these scenes again",
            file=sys.stderr,
        )
        return 1
    return 0
