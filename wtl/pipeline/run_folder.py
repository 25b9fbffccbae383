"""The folder of a run: where everything goes, who may write, what came from what."""

import contextlib
import datetime
import fcntl
import hashlib
import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
from typing import Any

from wtl.datasets.contract.errors import UserError

_PACKAGES = ("tensorflow", "tf-agents", "dm-control", "mujoco", "numpy", "tfds-nightly")


class RunFolder:
    """One run's folder; only one process may write to it at a time."""

    def __init__(self, path: str | os.PathLike):
        """Names the folder; `lock` creates it."""
        self.path = pathlib.Path(path)
        self.datasets = self.path / "datasets"
        self.policies = self.path / "policies"
        self.evaluation = self.path / "evaluation"
        self.logs = self.path / "logs"
        self.staging = self.path / "staging"
        self.teleop = self.path / "teleop"

    def __eq__(self, other):
        """Whether it is the same folder."""
        return isinstance(other, RunFolder) and self.path == other.path

    def __hash__(self):
        """By path."""
        return hash(self.path)

    @contextlib.contextmanager
    def lock(self):
        """Claims the folder, which is made if it is not there.

        Raises:
          UserError: if another process has it, or it can't be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            claim = open(self.path / ".lock", "a+")
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} can't be written ({error.strerror}); "
                "choose another with --run_dir"
            ) from error
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            claim.seek(0)
            raise UserError(
                f"the run folder {self.path} is in use by process "
                f"{claim.read().strip() or '?'}; wait for it, stop it, or choose "
                "another folder with --run_dir"
            ) from error
        claim.truncate(0)
        claim.write(str(os.getpid()))
        claim.flush()
        with claim:
            yield

    def write(self, name: str, text: str):
        """Writes a file of the folder at once, never half of it."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with open(partial, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def claim_policy(self, name: str, key: str) -> pathlib.Path:
        """The folder of a policy, emptied of what another configuration left.

        Args:
          name: of the folder.
          key: of the configuration; checkpoints of another must not be resumed.
        """
        directory = self.policies / name
        marker = directory / "key.txt"
        if not marker.exists() or marker.read_text() != key:
            shutil.rmtree(directory, ignore_errors=True)
            self.write(f"policies/{name}/key.txt", key)
        return directory

    @property
    def lineage(self) -> dict[str, Any]:
        """What each finished stage was made from, by stage."""
        path = self.path / "lineage.json"
        if not path.exists():
            return {}
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise UserError(
                f"{path} is damaged; remove it to run the stages again"
            ) from error

    def record(self, stage: str, entry: dict[str, Any]):
        """Adds a finished stage to the lineage."""
        entry = entry | {
            "finished": datetime.datetime.now(datetime.UTC).isoformat(
                timespec="seconds"
            ),
            "commit": commit(),
            "versions": versions(),
        }
        self.write_lineage(stage, entry)

    def write_lineage(self, stage: str, entry: dict[str, Any]):
        """Puts the entry of a stage into the lineage as it is."""
        text = json.dumps(self.lineage | {stage: entry}, indent=2)
        self.write("lineage.json", text + "\n")

    def adopt(self, path: pathlib.Path, donor: "RunFolder"):
        """Takes a folder of another run, sharing its files where the disk can.

        A version of a dataset that is there already is left as it is; a policy is
        replaced, as if it had been trained anew.

        Args:
          path: in the donor's folder.
          donor: the other run.

        Raises:
          FileNotFoundError: if it is not there.
        """
        own = self.path / path.relative_to(donor.path)
        if self.datasets in own.parents and own.exists():
            return
        incomplete = own.with_name(own.name + ".incomplete")
        shutil.rmtree(incomplete, ignore_errors=True)
        shutil.copytree(path, incomplete, copy_function=_link)
        shutil.rmtree(own, ignore_errors=True)
        incomplete.rename(own)


def _link(source: str, target: str):
    # Files are written once or replaced by rename, so runs can't harm each other.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def key(**parts: Any) -> str:
    """Hash of what a stage is made from."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def commit() -> str:
    """Commit of the code, or '' outside a checkout; `+` marks local changes."""
    root = pathlib.Path(__file__).resolve().parents[2]
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], capture_output=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def origin() -> dict[str, str | dict[str, str]]:
    """Return the commit and the package versions, for the provenance of a dataset."""
    return {"commit": commit(), "versions": versions()}
