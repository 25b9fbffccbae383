"""Publication of datasets and policies: `wtl publish`."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from wtl.datasets.contract.errors import UserError
from wtl.datasets.hosting import hosting
from wtl.datasets.hosting.hosting import Transfer
from wtl.datasets.storage import location
from wtl.pipeline import policy_package


def publish(source: str | os.PathLike, destination: str) -> Iterator[Transfer]:
    """Upload a dataset or policy, or those of a run.

    Args:
      source: a dataset, one version of it, RUN/policies/FOLDER, or a run folder:
        the newest version of every dataset, and every policy that is trained.
      destination: a folder or an address, see `hosting.upload`. Policies go
        to `policies/` below it.

    Yields:
      The transfer of each version.

    Raises:
      UserError: if there is nothing to publish.
      HostingError, RemoteError, DatasetDamagedError: as `upload` does.
    """
    source = pathlib.Path(source).absolute()
    found = False
    for folder in _members(source, "datasets"):
        with contextlib.suppress(location.DatasetNotFoundError):
            version = location.resolve(folder)
            found = True
            info = location.read_info(version)
            yield hosting.upload(version, destination, info["name"], info["version"])
    for folder in _members(source, "policies"):
        if policy_package.is_policy(folder):
            found = True
            yield _publish_policy(folder, f"{destination.rstrip('/')}/policies")
    if not found:
        raise UserError(
            f"nothing to publish in {source}: give a run folder, a dataset as "
            "RUN/datasets/wtl_demos or a trained policy as RUN/policies/trial"
        )


def _publish_policy(folder: pathlib.Path, destination: str) -> Transfer:
    with tempfile.TemporaryDirectory() as work:
        package = pathlib.Path(work, folder.name)
        package.mkdir()
        policy_id = policy_package.pack(folder, package)
        return hosting.upload(package, destination, folder.name, policy_id)


def _members(source: pathlib.Path, kind: str) -> list[pathlib.Path]:
    """Return the folders of a kind in a run; the source itself if it is not a run."""
    if not any((source / name).is_dir() for name in ("datasets", "policies")):
        return [source]
    folder = source / kind
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
