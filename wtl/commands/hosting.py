"""`wtl publish` and `wtl fetch`: datasets and policies for others."""

import argparse
import pathlib

from wtl import notices
from wtl.commands.command import command, option, path


@command(
    option(
        "source",
        type=path,
        help="RUN, RUN/datasets/NAME[/VERSION] or RUN/policies/NAME",
    ),
    option(
        "destination",
        type=path,
        metavar="DEST",
        help="a folder (as that of a web server) or s3://BUCKET/…; versions go to "
        "DEST/NAME/VERSION, policies to DEST/policies/NAME/ID",
    ),
)
def publish(options: argparse.Namespace) -> None:
    """Put datasets and policies where others can fetch them."""
    with notices.loading(options.verbosity):
        from wtl.pipeline import publication

    for line in publication.publish(options.source, options.destination):
        print(line)


@command(
    option(
        "source",
        type=path,
        metavar="URL",
        help="https://…/NAME/VERSION, s3://BUCKET/…/NAME/VERSION or a folder",
    ),
    option(
        "root", type=path, metavar="DEST", help="the version becomes DEST/NAME/VERSION"
    ),
    option(
        "--redirects",
        action="store_true",
        help="follow a web server that redirects to another one",
    ),
)
def fetch(options: argparse.Namespace) -> None:
    """Get a published version, or what is missing of it."""
    from wtl.datasets.contract import fields
    from wtl.datasets.hosting import hosting

    done = hosting.fetch(options.source, options.root, options.redirects)
    print(done)
    if pathlib.Path(done.place, fields.POLICY_FILE).is_file():
        print("A policy is a program: it loads only with --trust (docs/trust.md).")
