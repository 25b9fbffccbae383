"""Datasets of a run: found, read, checked and published in its folder."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import checksums, location, publish, verify
from wtl.pipeline import run_folder

_MADE_FROM_FILE = "made_from.json"  # beside staged episodes of `wtl_evaluations`
# Stage that makes each dataset.
STAGE_OF = {
    fields.WTL_DEMOS: "collect_demos",
    fields.WTL_HUMAN_VIDEOS: "collect_human_videos",
    fields.WTL_TRIALS: "collect_trials",
    fields.WTL_RETRIALS: "collect_retrials",
    fields.WTL_EXPLORATIONS: "collect_explorations",
    fields.WTL_EVALUATIONS: "evaluate",
}


@dataclasses.dataclass(frozen=True)
class RunDatasets:
    """Datasets in the folder of a run.

    Attributes:
      folder: folder of the run.
      suite: task distribution.
      seed: seed of the run.
      camera: camera of all environments.
    """

    folder: run_folder.RunFolder
    suite: TaskDistribution
    seed: int
    camera: CameraConfig

    def path(self, name: str) -> pathlib.Path:
        """Return the folder of the newest version of a dataset of this run.

        Raises:
          UserError: if there is none.
        """
        try:
            return location.resolve(self.folder.datasets / name)
        except location.DatasetNotFoundError as error:
            raise UserError(
                f"{self.folder.datasets / name} is missing; "
                f"run `wtl {STAGE_OF[name]}` with this --run_dir first"
            ) from error

    def require(self, name: str) -> pathlib.Path:
        """Return the folder of the newest version of a dataset that fits the tasks.

        Raises:
          UserError: if it is missing or of other scenes than the suite's.
        """
        path = self.path(name)
        try:
            schema.require(self.spec(name), schema.stored_spec(path), path)
        except schema.DatasetMismatchError as error:
            raise UserError(
                f"{error} (suite.size is {self.suite.size}); run `wtl collect_demos` "
                "with this configuration, or choose another --run_dir"
            ) from error
        return path

    def read(self, name: str, split: str) -> EpisodeStore:
        """Return the valid episodes of a split of a dataset of this run.

        Args:
          name: name of the dataset.
          split: name of the split.

        Raises:
          UserError: if it is missing or of other scenes than the suite's.
        """
        store = reader.read(self.require(name), split)
        return store.select(~store[fields.INVALID])

    def collected_fingerprint(self, name: str) -> str | None:
        """Return the fingerprint of a dataset as collected, None if it is missing.

        Edited, filtered or split versions are traced back to the version that they
        were made from, so that later stages use them and nothing is collected again.
        """
        versions = location.versions(self.folder.datasets / name)
        if not versions:
            return None
        by_fingerprint = {checksums.fingerprint(path): path for path in versions}
        found = checksums.fingerprint(versions[-1])
        seen = set()
        while found in by_fingerprint and found not in seen:
            seen.add(found)
            found = _curated_from(by_fingerprint[found]) or found
        return found

    def staging(self, name: str, key: str) -> pathlib.Path:
        """Return the staging folder of a dataset."""
        return self.folder.staging / f"{name}-{key}"

    def continue_staging(self, key: str, made_from: Mapping[str, str]):
        """Make the staged episodes of an earlier evaluation those of this one.

        Episodes of `wtl_evaluations` stay staged, so that further conditions are played
        beside them, if those before are evaluated again with the same policies.

        Args:
          key: key of the stage, see `staging`.
          made_from: key of the settings, fingerprints of datasets, and id of the policy
            of each condition, by name.
        """
        name = fields.WTL_EVALUATIONS
        folder = self.staging(name, key)
        notes = self.folder.staging.glob(f"{name}-*/{_MADE_FROM_FILE}")
        for note in [] if folder.exists() else sorted(notes):
            if json.loads(note.read_text()).items() <= made_from.items():
                note.parent.rename(folder)
                break
        path = folder / _MADE_FROM_FILE
        self.folder.write_json(path.relative_to(self.folder.path), made_from)

    def publish(
        self,
        name: str,
        key: str,
        account: dict[str, Any],
        spec: EpisodeSpec | None = None,
    ) -> str:
        """Publish staged episodes as the next version of a dataset, unless it is there.

        Args:
          name: name of the dataset.
          key: key of the stage, see `staging`.
          account: provenance besides seed and code.
          spec: spec of the episodes; that of the run by default.

        Returns:
          The fingerprint of the content.
        """
        known = location.versions(self.folder.datasets / name)
        if (
            known
            and location.read_provenance(known[-1]).get("key") == key
            and not verify.verify(known[-1])
        ):
            return checksums.fingerprint(known[-1])
        version = location.next_major(self.folder.datasets / name)
        notes = {version: "First version."}
        if known:
            note = f"Other episodes: {account['stage']} with another configuration."
            notes = location.read_info(known[-1])["release_notes"]
            notes |= {version: note}
        path = publish.publish(
            self.staging(name, key),
            self.folder.datasets,
            name,
            version,
            spec or self.spec(name),
            account
            | {
                fields.PROVENANCE_WORLD: self.suite.domain,
                "key": key,
                "seed": self.seed,
                **run_folder.origin(),
            },
            release_notes=notes,
        )
        return checksums.fingerprint(path)

    def spec(self, name: str, by_hand: bool = False) -> EpisodeSpec:
        """Return the spec of the episodes of a dataset of this run.

        Args:
          name: name of the dataset.
          by_hand: whether episodes record where an operator took over from a policy.
        """
        human = name == fields.WTL_HUMAN_VIDEOS
        spec = self.suite.episode_spec(self.camera, human)
        return dataclasses.replace(spec, interventions=by_hand)


def _curated_from(version: pathlib.Path) -> str | None:
    """Return the fingerprint of the version that a command derived one from, if any."""
    made = location.read_provenance(version)
    if "command" not in made or len(made.get("parents", ())) != 1:
        return None
    return made["parents"][0]["fingerprint"]
