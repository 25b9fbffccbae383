"""Run folders of a folder: their states, results and disk use."""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator

from wtl.datasets.contract.errors import UserError
from wtl.pipeline.run_folder import LINEAGE_FILE, LOCK_FILE, RunFolder

_SHOWN = ("wtl", "mil", "bc")  # conditions of the line of results


@dataclasses.dataclass(frozen=True)
class ListedRun:
    """A run folder.

    Attributes:
      name: path below the listed folder.
      state: `done`, `running STAGE`, `stopped in STAGE` or `stopped after STAGE`.
      results: success of some conditions; '' without an evaluation.
      bytes: disk use; files that several runs share are counted in each.
    """

    name: str
    state: str
    results: str
    bytes: int


def find(root: str | os.PathLike) -> list[ListedRun]:
    """Describe the run folders in a folder, or itself, by name."""
    root = pathlib.Path(root)
    return [
        ListedRun(
            os.path.relpath(folder.path, root) if folder.path != root else str(root),
            _state(folder),
            _results(folder.path),
            disk_use(folder.path),
        )
        for folder in folders(root)
    ]


def folders(root: str | os.PathLike) -> list[RunFolder]:
    """Return the run folders in a folder, or itself, by name."""
    return [RunFolder(path) for path in _paths(pathlib.Path(root))]


def is_locked(folder: RunFolder) -> bool:
    """Whether a process uses a run folder."""
    with contextlib.suppress(FileNotFoundError), open(folder.path / LOCK_FILE) as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def disk_use(path: pathlib.Path) -> int:
    """Return the bytes that a folder takes on the disk, or a file."""
    paths = [path, *path.rglob("*")]
    stats = {}
    for each in paths:
        with contextlib.suppress(FileNotFoundError):  # a running stage may remove it
            found = each.lstat()
            stats[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(stats.values())


def _paths(path: pathlib.Path) -> Iterator[pathlib.Path]:
    if (path / LINEAGE_FILE).is_file() or (path / LOCK_FILE).is_file():
        yield path
        return
    for below in sorted(path.iterdir()) if path.is_dir() else ():
        if below.is_dir() and not below.is_symlink():
            yield from _paths(below)


def _state(folder: RunFolder) -> str:
    try:
        begun, lineage = folder.begun.get("stage"), folder.lineage
    except UserError:
        return "stopped (damaged lineage)"
    if is_locked(folder):
        return f"running {begun or ''}".strip()
    if begun:
        return f"stopped in {begun}"
    if any(stage.startswith(("evaluate", "reinforce")) for stage in lineage):
        return "done"
    last = max(lineage, key=lambda stage: lineage[stage]["finished"], default="")
    return f"stopped after {last}" if last else "stopped before the first stage"


def _results(path: pathlib.Path) -> str:
    try:
        results = json.loads((path / "evaluation" / "results.json").read_text())
        methods = results["methods"]
        shown = [name for name in _SHOWN if name in methods] or list(methods)[:3]
        return ", ".join(
            f"{name} {methods[name]['overall']['success']:.0%}" for name in shown
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ""
