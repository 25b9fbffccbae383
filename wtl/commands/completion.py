"""`wtl completion`: completion of commands and options in a shell."""

import argparse

from wtl.commands import command as commands
from wtl.commands.command import command, option


@command(
    option(
        "shell",
        choices=("bash", "zsh", "fish"),
        help='bash and zsh: eval "$(wtl completion bash)"; '
        "fish: wtl completion fish | source",
    )
)
def completion(options: argparse.Namespace) -> None:
    """Print a script that completes commands and options in a shell."""
    import shtab

    _mark_paths(options.parser)
    print(shtab.complete(options.parser, options.shell))


def _mark_paths(parser: argparse.ArgumentParser) -> None:
    """Let options that name files be completed with files."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _mark_paths(below)
        elif action.type is commands.path:
            action.complete = shtab.FILE
