"""Manual edits of a dataset, kept until they are published as its next version.

The edited version itself never changes. Pending edits lie beside it, in
`<root>/.<name>.edits/<version>.json`, and is on disk when `change` returns.
"""

import collections
import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import DatasetDamagedError, UserError
from wtl.datasets.curation.curation import Curated, Curation
from wtl.datasets.storage import checksums, location
from wtl.datasets.storage.files import sync, write_durably
from wtl.datasets.storage.shard_lock import ShardLock

DELETED = "deleted"
_MAX_NOTE = 10_000  # characters
_TYPES = {fields.INVALID: bool, fields.SUCCESS: bool, fields.NOTES: str, DELETED: bool}

# New values by metadata field, and `DELETED`, which is true or absent.
Edit = Mapping[str, Any]


def parse_edit(given: object) -> dict[str, Any]:
    """Check an untrusted edit.

    Raises:
      UserError: if it is invalid.
    """
    if not isinstance(given, dict):
        raise UserError("an edit is an object of fields and their new values")
    for name, value in given.items():
        kind = _TYPES.get(name)
        if kind is None:
            raise UserError(f"{name!r} can't be edited; {', '.join(_TYPES)} can")
        if not isinstance(value, kind):
            raise UserError(
                f"{name} must be {'text' if kind is str else 'true or false'}"
            )
    note = given.get(fields.NOTES, "")
    if len(note) > _MAX_NOTE:
        raise UserError(f"a note has {_MAX_NOTE} characters at most")
    try:
        note.encode()
    except UnicodeEncodeError:
        raise UserError("a note must be text that can be stored as UTF-8") from None
    edit = {name: given[name] for name in _TYPES if name in given}
    if not edit.get(DELETED):
        edit.pop(DELETED, None)
    return edit


class PendingEdits:
    """Edits of one version that are not published yet.

    Attributes:
      version: folder of the edited version.
      root: root folder of the next version.
    """

    def __init__(self, version: str | os.PathLike):
        """Read the pending edits of a version, given its folder.

        Raises:
          UserError: if they can't be read, or are of other content than the version's.
          DatasetDamagedError: if the version can't be read.
        """
        self.version = pathlib.Path(version)
        info = location.read_info(self.version)
        self.root = self.version.absolute().parent.parent
        self._name, self._number = info["name"], info["version"]
        self._folder = self.root / f".{self._name}.edits"
        self._path = self._folder / f"{self._number}.json"
        self._fingerprint = checksums.fingerprint(self.version)
        self._lock: ShardLock | None = None
        self._edits = self._read()

    def __len__(self) -> int:
        """Number of episodes with edits."""
        return len(self._edits)

    def __iter__(self):
        """Ids of the edited episodes, in order of their first edit."""
        return iter(self._edits)

    def of(self, episode_id: str) -> Edit:
        """Return the pending edit of an episode."""
        return self._edits.get(episode_id, {})

    def change(self, edits: Mapping[str, Edit]) -> None:
        """Replace edits of episodes, durably; an empty edit removes the pending one.

        Raises:
          UserError: if they can't be written; nothing has changed then.
          DatasetLockedError: if another process edits the version.
        """
        self._claim()
        changed = dict(self._edits)
        for name, edit in edits.items():
            if edit:
                changed[name] = dict(edit)
            else:
                changed.pop(name, None)
        tree = {"fingerprint": self._fingerprint, "edits": changed}
        text = json.dumps(tree, indent=1, ensure_ascii=False)
        try:
            write_durably(self._path, text.encode())
        except OSError as error:
            raise UserError(
                f"edits can't be kept in {self._path} ({error.strerror})"
            ) from error
        self._edits = changed

    def publish(self, origin: Mapping[str, Any]) -> Curated:
        """Publish the dataset with its edits as the next version, and forget them.

        Raises:
          UserError: if there is nothing to publish, or an episode that stays was made
            from one that is deleted.
          Others: as `Curation`.
        """
        if not self._edits:
            raise UserError("there are no edits to publish")
        self._claim()
        deleted = {name for name in self if self._edits[name].get(DELETED)}
        curation = Curation([self.version], self.root, origin)
        kept = set(curation.metadata) - deleted
        if not kept:
            raise UserError("every episode is deleted; there is nothing to publish")
        _require_parents(deleted, kept, curation.metadata)
        changed = {name: self._edits[name] for name in self if name in kept}
        made = curation.publish(
            "view", kept, {"edits": self._edits}, changed, summary(self._edits.values())
        )
        self._forget()
        return made

    def close(self) -> None:
        """Release the version for edits by other processes."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _claim(self) -> None:
        if self._lock is not None:
            return
        usual = self.root / self._name / self._number
        if usual.resolve() != self.version.resolve():
            raise UserError(
                f"{self.version} is read-only: to be edited it must lie in "
                f"{self._name}/{self._number}"
            )
        try:
            self._folder.mkdir(exist_ok=True)
            sync(self.root)
            self._lock = ShardLock(
                self._folder / "lock", f"what is edited of {self.version.parent}"
            )
        except OSError as error:
            raise UserError(
                f"edits can't be kept in {self._folder} ({error.strerror})"
            ) from error
        # Another process may have been here since.
        self._edits = self._read()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            tree = json.loads(self._path.read_text(encoding="utf-8"))
            edits = {name: parse_edit(edit) for name, edit in tree["edits"].items()}
            fingerprint = tree["fingerprint"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"the edits in {self._path} can't be read ({error}); move it away"
            ) from None
        if fingerprint != self._fingerprint:
            raise UserError(
                f"the edits in {self._path} are of other episodes than those of "
                f"{self.version}; move it away"
            )
        # The process was killed between publishing and forgetting.
        return {} if self._is_published(edits) else edits

    def _is_published(self, edits: Mapping[str, Edit]) -> bool:
        for version in location.versions(self.version.absolute().parent):
            try:
                made = location.read_provenance(version)
                from_here = made["parents"][0]["fingerprint"] == self._fingerprint
                if from_here and made["edits"] == edits:
                    return True
            except (DatasetDamagedError, KeyError, TypeError, IndexError):
                continue
        return False

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._edits = {}


def summary(edits: Iterable[Edit]) -> str:
    """Return a summary of edits, such as `2 deleted, 1 marked invalid`."""
    counts: collections.Counter[str] = collections.Counter()
    for edit in edits:
        counts.update(_words(edit))
    return ", ".join(f"{count} {words}" for words, count in counts.items())


def _words(edit: Edit) -> list[str]:
    if edit.get(DELETED):
        return ["deleted"]
    words = []
    if fields.INVALID in edit:
        words.append("marked invalid" if edit[fields.INVALID] else "marked valid")
    if fields.SUCCESS in edit:
        outcome = "success" if edit[fields.SUCCESS] else "failure"
        words.append(f"relabelled {outcome}")
    if fields.NOTES in edit:
        words.append("with a note")
    return words


def _require_parents(
    deleted: set[str], kept: Iterable[str], metadata: Mapping[str, Mapping[str, Any]]
) -> None:
    for name in kept:
        for field in (fields.PARENT_DEMO_IDS, fields.PARENT_TRIAL_IDS):
            gone = deleted.intersection(metadata[name][field])
            if gone:
                raise UserError(
                    f"{name} was made from {min(gone)}, which is deleted: delete it "
                    "too, or keep the other"
                )
