"""Folder of a run: its layout, lock and lineage."""

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

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError

# Of trained policies; those of WTL 0.1.0, which wrote none, do not load.
_POLICY_FORMAT = 2
LINEAGE_FILE = "lineage.json"
LOCK_FILE = ".lock"
STAGE_FILE = ".stage.json"
_PACKAGES = ("tensorflow", "tf-agents", "dm-control", "mujoco", "numpy", "tfds-nightly")


class RunFolder:
    """Folder of one run; only one process may write to it at a time."""

    def __init__(self, path: str | os.PathLike):
        """Name the folder; `lock` creates it."""
        self.path = pathlib.Path(os.path.expanduser(path))
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
        """Hash of the path."""
        return hash(self.path)

    @contextlib.contextmanager
    def lock(self):
        """Claim the folder, and create it if it is missing.

        Raises:
          UserError: if another process holds it, or it can't be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            claim = open(self.path / LOCK_FILE, "a+", encoding="utf-8")
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
        """Write a file of the folder atomically."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def write_json(self, name: str, value: Any):
        """Write a JSON file of the folder atomically."""
        self.write(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def results(self, kind: str, split: str) -> str:
        """Return the path, inside the folder, of results on a split."""
        return kind if split == fields.SPLIT_TEST else f"{kind}/{split}"

    def policy_id(self, name: str) -> str | None:
        """Return the id of a trained policy, None if there is none that loads."""
        entry = _policy_entry(self.policies / name / fields.POLICY_FILE)
        return entry["policy_id"] if entry.get("format") == _POLICY_FORMAT else None

    @property
    def has_outdated_policies(self) -> bool:
        """Whether there are policies, but all of versions of WTL that do not fit."""
        entries = map(_policy_entry, self.policies.glob(f"*/{fields.POLICY_FILE}"))
        return {entry.get("format") == _POLICY_FORMAT for entry in entries} == {False}

    def record_policy(self, name: str, policy_id: str, key: str):
        """Write the id of a trained policy and the key of its stage."""
        entry = {"method": name, "policy_id": policy_id, "key": key}
        entry["format"] = _POLICY_FORMAT
        self.write_json(f"policies/{name}/{fields.POLICY_FILE}", entry)

    def claim_policy(self, name: str, key: str) -> pathlib.Path:
        """Return the folder of a policy, emptied if it is of another configuration.

        Args:
          name: name of the folder.
          key: key of the stage; checkpoints of another key must not be resumed.
        """
        directory = self.policies / name
        marker = directory / "key.txt"
        if not marker.exists() or marker.read_text() != key:
            shutil.rmtree(directory, ignore_errors=True)
            self.write(f"policies/{name}/key.txt", key)
        return directory

    def begin(self, stage: str, key: str):
        """Note the stage that is under way; `record` removes the note."""
        self.write_json(STAGE_FILE, {"stage": stage, "key": key})

    @property
    def begun(self) -> dict[str, str]:
        """Stage under way or interrupted, and its key; empty if there is none."""
        path = self.path / STAGE_FILE
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def lineage(self) -> dict[str, Any]:
        """Entries of finished stages, by stage: key, inputs and outputs."""
        path = self.path / LINEAGE_FILE
        if not path.exists():
            return {}
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise UserError(
                f"{path} is damaged; remove it to run the stages again"
            ) from error

    def record(self, stage: str, entry: dict[str, Any]):
        """Add a finished stage to the lineage."""
        entry = entry | {
            "finished": datetime.datetime.now(datetime.UTC).isoformat(
                timespec="seconds"
            ),
        }
        self.write_lineage(stage, entry | origin())
        (self.path / STAGE_FILE).unlink(missing_ok=True)

    def write_lineage(self, stage: str, entry: dict[str, Any]):
        """Write the entry of a stage into the lineage unchanged."""
        self.write_json(LINEAGE_FILE, self.lineage | {stage: entry})

    def adopt(self, path: pathlib.Path, source: "RunFolder"):
        """Copy a folder of another run, with hard links if the disk supports them.

        An existing version of a dataset is left unchanged; a policy is replaced.

        Args:
          path: folder inside the source.
          source: folder of the other run.

        Raises:
          FileNotFoundError: if it is missing.
        """
        own = self.path / path.relative_to(source.path)
        if self.datasets in own.parents and own.exists():
            return
        incomplete = own.with_name(own.name + ".incomplete")
        shutil.rmtree(incomplete, ignore_errors=True)
        shutil.copytree(path, incomplete, copy_function=_link)
        shutil.rmtree(own, ignore_errors=True)
        incomplete.rename(own)


def _policy_entry(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _link(source: str, target: str):
    # Files are written once or replaced by rename, so sharing them is safe.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def key(**parts: Any) -> str:
    """Return the hash of everything that a stage is made from."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def commit() -> str:
    """Return the commit of the code, '' outside a checkout; `+` marks local changes."""
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
    """Return versions of the packages that results depend on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def origin() -> dict[str, str | dict[str, str]]:
    """Return the commit and the package versions, for the provenance of a dataset."""
    return {"commit": commit(), "versions": versions()}
