"""Keeper: stores what visitors keep as datasets of linked episodes."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.storage import location, publish, staging

_DATASETS = (
    fields.WTL_DEMOS,
    fields.WTL_HUMAN_VIDEOS,
    fields.WTL_TRIALS,
    fields.WTL_RETRIALS,
)
_STAGING, _COUNT = "staging", "staged"
_NOTES = "Episodes that visitors of `wtl teach` kept."


class Keeper:
    """Stages episodes durably, and publishes them at the end.

    Attributes:
      folder: holds `staging/` and, once published, `datasets/`.
      count: number of episodes that were kept.
    """

    def __init__(self, folder: pathlib.Path, spec_of: Callable[[str], EpisodeSpec]):
        """Keep in a folder, in datasets whose specs are given by their names."""
        self.folder = folder
        self.count = 0
        self._spec_of = spec_of
        self._changed: set[str] = set()

    def keep(self, demo: Episode, tries: list[Episode], human: bool):
        """Store a demonstration and tries; those that are stored are left alone.

        Raises:
          StagingError: if the disk is full or fails.
        """
        by_dataset: dict[str, list[Episode]] = {
            fields.WTL_HUMAN_VIDEOS if human else fields.WTL_DEMOS: [demo]
        }
        for tried in tries:
            is_trial = tried.metadata[fields.ROLE] == fields.ROLE_TRIAL
            name = fields.WTL_TRIALS if is_trial else fields.WTL_RETRIALS
            by_dataset.setdefault(name, []).append(tried)
        for name, episodes in by_dataset.items():
            with staging.StagingWriter(self._staged(name), self._spec_of(name)) as out:
                new = [e for e in episodes if e.id not in out.episode_ids]
                self.count += out.append(new)

    def publish(self, provenance: Mapping[str, Any]) -> list[pathlib.Path]:
        """Publish all that is staged and not published yet, as next versions."""
        made, root = [], self.folder / "datasets"
        for name in _DATASETS:
            folder = self._staged(name)
            if not staging.is_staging(folder):
                continue
            known = location.versions(root / name)
            staged = sum(1 for _ in staging.iterate_staged(folder))
            if known and location.read_provenance(known[-1]).get(_COUNT) == staged:
                continue
            version = location.next_major(root / name)
            account = {**provenance, "stage": "teach", _COUNT: staged}
            notes = {version: _NOTES}
            spec = self._spec_of(name)
            parts = folder, root, name, version, spec, account
            made.append(publish.publish(*parts, release_notes=notes))
        return made

    def _staged(self, name: str) -> pathlib.Path:
        return self.folder / _STAGING / name
