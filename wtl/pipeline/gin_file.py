"""Gin files: their folders, and the error if one is missing."""

import os
import pathlib

import wtl
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean

# Beside `wtl` in a checkout, inside it where a wheel is installed.
SHIPPED = next(
    path
    for root in wtl.__path__
    if (path := pathlib.Path(root, "gin_configs")).is_dir()
)


def require(gin_file: str):
    """Check that a gin file is there; the import of the stages takes seconds.

    Raises:
      UserError: if it is missing.
    """
    path = pathlib.Path(gin_file).expanduser()
    if not path.is_file() and not (SHIPPED / path).is_file():
        raise UserError(missing(gin_file, path.resolve().parent))


def missing(name: str, beside: str | os.PathLike) -> str:
    """Say that there is no gin file of a name, beside the given one or shipped."""
    folders = pathlib.Path(beside), SHIPPED
    there = [path.name for folder in folders for path in folder.glob("*.gin")]
    return (
        f"there is no gin file {name}; see gin_configs/ for those shipped"
        + did_you_mean(os.path.basename(name), there)
    )
