"""`wtl publish` and `wtl fetch`: datasets and policies for others."""

import argparse

from wtl import notices
from wtl.commands.command import Command, Option


def _publish(options: argparse.Namespace) -> None:
    with notices.Dropped(options.verbosity):
        from wtl.pipeline import publication

    for line in publication.publish(options.source, options.destination):
        print(line)


def _fetch(options: argparse.Namespace) -> None:
    from wtl.datasets.hosting import hosting

    print(hosting.fetch(options.source, options.root))


COMMANDS = (
    Command(
        "publish",
        "put datasets and policies where others can fetch them",
        _publish,
        Option("source", help="RUN, RUN/datasets/NAME[/VERSION] or RUN/policies/NAME"),
        Option(
            "destination",
            metavar="DEST",
            help="a folder (as that of a web server) or s3://BUCKET/…; versions go "
            "to DEST/NAME/VERSION, policies to DEST/policies/NAME/ID",
        ),
    ),
    Command(
        "fetch",
        "get a published version, or what is missing of it",
        _fetch,
        Option(
            "source",
            metavar="URL",
            help="https://…/NAME/VERSION, s3://BUCKET/…/NAME/VERSION or a folder",
        ),
        Option("root", metavar="DEST", help="the version becomes DEST/NAME/VERSION"),
    ),
)
