"""What `wtl publish` puts where others can get it."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from datasets import hosting, location
from datasets.hosting import Transfer
from wtl.errors import UserError


def publish(source: str | os.PathLike, destination: str) -> Iterator[Transfer]:
    """Uploads a dataset, or the newest version of every dataset of a run.

    Args:
      source: a run folder, a dataset or one version of it.
      destination: a folder or an address, see `datasets.hosting.upload`.

    Yields:
      What was done, version by version.

    Raises:
      UserError: if there is nothing to publish.
      HostingError, RemoteError, DatasetDamagedError: as `upload` does.
    """
    found = False
    for folder in _versions(pathlib.Path(source)):
        found = True
        info = location.read_info(folder)
        yield hosting.upload(folder, destination, info["name"], info["version"])
    if not found:
        raise UserError(
            f"nothing to publish in {source}: give a run folder, or a dataset as "
            "RUN/datasets/wtl_demos"
        )


def _versions(source: pathlib.Path) -> Iterator[pathlib.Path]:
    folders = [source]
    if (source / "datasets").is_dir():
        folders = sorted(p for p in (source / "datasets").iterdir() if p.is_dir())
    for folder in folders:
        with contextlib.suppress(location.DatasetNotFoundError):
            yield location.resolve(folder)
