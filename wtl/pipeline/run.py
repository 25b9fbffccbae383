"""A run: its folder, seed and suite, and the rule by which stages are skipped."""

import dataclasses
import json
import pathlib
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from absl import logging

from wtl.collection import recorder
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import checksums, location, publish, verify
from wtl.pipeline import run_folder
from wtl.pipeline.beam_runner import BeamRunner
from wtl.training.cluster import Cluster


@dataclasses.dataclass(frozen=True)
class Run:
    """What all stages of a run share.

    Attributes:
      folder: where everything goes.
      suite: the tasks.
      seed: seed of demonstrations, training, trials and evaluation.
      workers: processes for physics, and for training (one policy each).
      camera: of all environments; policies act on its images, where there is one.
      donors: folders of other runs, from which is taken what they have made the same.
      beam: Apache Beam, where it is to collect; None for processes of our own.
      cluster: processes that train together, this one among them; None if it trains
        alone.
    """

    folder: run_folder.RunFolder
    suite: suites.Suite
    seed: int
    workers: int
    camera: CameraConfig = NO_CAMERA
    donors: Sequence[run_folder.RunFolder] = ()
    beam: BeamRunner | None = None
    cluster: Cluster | None = None

    @property
    def pixels(self) -> int:
        """Height and width of images; 0 where policies act on the state."""
        return self.camera.pixels

    @property
    def is_chief(self) -> bool:
        """Whether this process writes; of several that train together one does."""
        return self.cluster is None or self.cluster.is_chief

    def do(
        self,
        stage: str,
        parameters: dict[str, Any],
        inputs: dict[str, str],
        outputs: dict[str, Callable[[], str | None]],
        work: Callable[[str], dict[str, str]],
        places: Callable[[run_folder.RunFolder], list[pathlib.Path]] | None = None,
    ) -> bool:
        """Does a stage unless it is done and unchanged.

        Args:
          stage: its name.
          parameters: what configures it.
          inputs: fingerprint of each thing it reads.
          outputs: for each thing it makes, how to compute its present fingerprint
            (None where it is not there).
          work: (key) -> fingerprints of what it made; called only if needed. The key
            names what the stage is made from, so that interrupted work is resumed
            only where it is the same.
          places: what of a run's folder holds all that the stage makes; None if it is
            never taken from another run.

        Returns:
          Whether there was anything to do.
        """
        key = run_folder.key(
            stage=stage,
            parameters=parameters,
            inputs=inputs,
            suite=dataclasses.asdict(self.suite),
            seed=self.seed,
            camera=dataclasses.asdict(self.camera),
        )
        done = self.folder.lineage.get(stage, {})
        present = {name: current() for name, current in outputs.items()}
        if done.get("key") == key and done.get("outputs") == present:
            logging.info("%s: done before and unchanged", stage)
            self._discard_staging(outputs, key)
            return False
        if places and self._take(stage, key, outputs, places):
            return False
        start = time.monotonic()
        made = work(key)
        if not self.is_chief:
            return True
        self.folder.record(
            stage,
            {
                "key": key,
                "seed": self.seed,
                "parameters": parameters,
                "inputs": inputs,
                "outputs": made,
                "seconds": round(time.monotonic() - start, 1),
            },
        )
        self._discard_staging(made, key)
        return True

    def _discard_staging(self, published: Iterable[str], key: str):
        """Removes what is on disk twice, and is not to be gone on with."""
        for name in published:
            shutil.rmtree(self.staging(name, key), ignore_errors=True)

    def _take(self, stage: str, key: str, outputs, places) -> bool:
        """Takes from a donor what it has made of the same; False if none has."""
        for donor in self.donors:
            done = donor.lineage.get(stage, {})
            if done.get("key") != key:
                continue
            try:
                for path in places(donor):
                    self.folder.adopt(path, donor)
            except FileNotFoundError:
                continue
            taken = {name: current() for name, current in outputs.items()}
            if taken == done["outputs"]:
                self.folder.write_lineage(stage, done | {"taken_from": str(donor.path)})
                logging.info("%s: taken from %s", stage, donor.path)
                return True
        return False

    def require_capability(self, capability: str, setting: str):
        """Check that the world has an optional capability.

        Args:
          capability: an optional attribute of `World`.
          setting: name of the setting that needs it.

        Raises:
          UserError: if the world has none.
        """
        if not getattr(self.suite.world, capability):
            raise UserError(
                f"{setting} needs a world with `{capability}`; suite.domain = "
                f"{self.suite.domain!r} has none"
            )

    def saved_policy(self, method: str) -> pathlib.Path:
        """Folder of the saved policy of a method."""
        folder = self.folder.policies / method / "saved_model"
        return folder.absolute()

    def dataset(self, name: str) -> pathlib.Path:
        """Folder of the newest version of a dataset of this run.

        Raises:
          UserError: if there is none.
        """
        stage = {
            fields.WTL_DEMOS: "collect_demos",
            fields.WTL_HUMAN_VIDEOS: "collect_human_videos",
            fields.WTL_TRIALS: "collect_trials",
            fields.WTL_RETRIALS: "collect_retrials",
        }.get(name, "evaluate")
        try:
            return location.resolve(self.folder.datasets / name)
        except location.DatasetNotFoundError as error:
            raise UserError(
                f"{self.folder.datasets / name} is missing; run `wtl {stage}` with "
                "this --run_dir first"
            ) from error

    def require(self, name: str) -> pathlib.Path:
        """Folder of the newest version of a dataset of this run, if that fits.

        Raises:
          UserError: if it is missing, or of another kind of scene than the suite's.
        """
        path = self.dataset(name)
        try:
            schema.require(self.spec_of(name), schema.stored_spec(path), path)
        except schema.DatasetMismatchError as error:
            raise UserError(
                f"{error} (suite.size is {self.suite.size}); run `wtl collect_demos` "
                "with this configuration, or choose another --run_dir"
            ) from error
        return path

    def read(self, name: str, split: str, with_images: bool = False) -> EpisodeStore:
        """Reads the valid episodes of a split of a dataset of this run.

        Args:
          name: of the dataset.
          split: which.
          with_images: whether to read the images too, where there are any.

        Raises:
          UserError: if it is missing, or of another kind of scene than the suite's.
        """
        store = reader.read(
            self.require(name), split, with_images=with_images and bool(self.camera)
        )
        return store.select(~store[fields.INVALID])

    def dataset_fingerprint(self, name: str) -> str | None:
        """Fingerprint of a dataset's content, None where there is none."""
        try:
            return checksums.fingerprint(location.resolve(self.folder.datasets / name))
        except location.DatasetNotFoundError:
            return None

    def collected_fingerprint(self, name: str) -> str | None:
        """Fingerprint of the dataset as its stage made it, None where there is none.

        Who edits, filters or splits what was collected wants the stages after it to
        take the result, and not that all of it is collected again.
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
        """Where the episodes of a dataset wait until all of them are there.

        Those of `evaluate` stay, for further arms are played beside them.
        """
        return self.folder.staging / f"{name}-{key}"

    def publish(
        self,
        name: str,
        key: str,
        account: dict[str, Any],
        spec: EpisodeSpec | None = None,
    ) -> str:
        """Publishes staged episodes as the next version of a dataset.

        Where that was done already, and the stage was cut off before it said so, the
        version is kept.

        Args:
          name: of the dataset.
          key: of the stage, see `staging`.
          account: what the episodes were made from, beside seed and code.
          spec: of the episodes; that of the run by default.

        Returns:
          The fingerprint of the content.
        """
        known = location.versions(self.folder.datasets / name)
        if known and _made_by(known[-1]) == key and not verify.verify(known[-1]):
            return checksums.fingerprint(known[-1])
        number = 1 + max((int(p.name.split(".")[0]) for p in known), default=0)
        # By TFDS's semantics other episodes are another major version.
        version, notes = f"{number}.0.0", {}
        note = "First version."
        if known:
            notes = location.read_info(known[-1])["release_notes"]
            note = f"Other episodes: {account['stage']} with another configuration."
        path = publish.publish(
            self.staging(name, key),
            self.folder.datasets,
            name,
            version,
            spec or self.spec_of(name),
            account
            | {
                fields.PROVENANCE_WORLD: self.suite.domain,
                "key": key,
                "seed": self.seed,
                "commit": run_folder.commit(),
                "versions": run_folder.versions(),
            },
            release_notes=notes | {version: note},
        )
        return checksums.fingerprint(path)

    def spec_of(self, name: str, by_hand: bool = False) -> EpisodeSpec:
        """Sizes of the episodes of a dataset of this run.

        Args:
          name: of the dataset.
          by_hand: whether they say where a person took over from a policy.
        """
        human = name == fields.WTL_HUMAN_VIDEOS
        spec = recorder.episode_spec(
            self.suite.size,
            self.camera,
            Embodiment.HUMAN if human else Embodiment.ROBOT,
            self.suite.domain,
            self.suite.motor_faults is not None,
            self.suite.hidden_dynamics_size,
        )
        return dataclasses.replace(spec, interventions=by_hand)


def newest(name: str) -> Callable[[run_folder.RunFolder], list[pathlib.Path]]:
    """Where, in a run's folder, the newest version of a dataset is."""
    return lambda folder: [location.resolve(folder.datasets / name)]


def _made_by(version: pathlib.Path) -> str | None:
    """Key of the stage that a published version came from."""
    return _provenance(version).get("key")


def _curated_from(version: pathlib.Path) -> str | None:
    """Fingerprint of the version that one was made of by a command, if by one."""
    made = _provenance(version)
    if "command" not in made or len(made.get("parents", ())) != 1:
        return None
    return made["parents"][0]["fingerprint"]


def _provenance(version: pathlib.Path) -> dict[str, Any]:
    path = version / fields.PROVENANCE_FILE
    return json.loads(path.read_text()) if path.exists() else {}
