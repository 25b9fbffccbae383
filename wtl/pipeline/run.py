"""A run: its folder, seed and tasks, and the rule by which stages are skipped."""

import dataclasses
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from absl import logging

from wtl.collection.worlds import registry
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import checksums, location, new_version, publish, verify
from wtl.pipeline import run_folder
from wtl.pipeline.beam_runner import BeamRunner
from wtl.policies import trust
from wtl.policies.methods import METHODS
from wtl.training.cluster import Cluster

# Stage that makes each dataset.
STAGE_OF = {
    fields.WTL_DEMOS: "collect_demos",
    fields.WTL_HUMAN_VIDEOS: "collect_human_videos",
    fields.WTL_TRIALS: "collect_trials",
    fields.WTL_RETRIALS: "collect_retrials",
    fields.WTL_EXPLORATIONS: "collect_explorations",
    fields.WTL_EVALUATIONS: "evaluate",
}
# Options of the suite that came after the first runs of this version.
_LATER = (
    "train_rules",
    "test_rules",
    "left_out_objects",
    "rule_weights",
    "clutter",
    "varied",
)


def _used(settings: Any) -> dict[str, Any]:
    """Return the fields of settings; where later ones are not used, keys stay."""
    fields_of = dataclasses.asdict(settings).items()
    return {name: value for name, value in fields_of if value or name not in _LATER}


@dataclasses.dataclass(frozen=True)
class Run:
    """Settings and folder that all stages of a run share.

    Attributes:
      folder: folder of all outputs.
      suite: task distribution.
      seed: seed of demonstrations, training, trials and evaluation.
      workers: processes for physics, and for training (one policy each); 0 collects
        in this process.
      camera: camera of all environments; with one, policies act on its images.
      cache_sources: folders of other runs, from which outputs with the same key are
        copied.
      beam: Apache Beam, if it collects; None for processes of this machine.
      cluster: processes that train together, with this one; None if it trains alone.
    """

    folder: run_folder.RunFolder
    suite: TaskDistribution
    seed: int
    workers: int
    camera: CameraConfig = NO_CAMERA
    cache_sources: Sequence[run_folder.RunFolder] = ()
    beam: BeamRunner | None = None
    cluster: Cluster | None = None

    @property
    def images(self) -> dict[str, tuple[int, int]]:
        """Height and width of the images that policies act on, by name."""
        if self.camera:
            return {fields.IMAGE: (self.camera.pixels,) * 2}
        return dict(self.suite.world.images)

    @property
    def processes(self) -> int:
        """Processes at a time for what is never done in this one, such as training."""
        return max(self.workers, 1)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes; one of several that train together does."""
        return self.cluster is None or self.cluster.is_chief

    def do(
        self,
        stage: str,
        parameters: dict[str, Any],
        inputs: dict[str, str],
        outputs: dict[str, Callable[[], str | None]],
        work: Callable[[str], dict[str, str]],
        places: Callable[[run_folder.RunFolder], list[pathlib.Path]] | None = None,
        units: Callable[[], int] | None = None,
    ) -> bool:
        """Do a stage unless it is done and unchanged; return whether it was done now.

        Args:
          stage: name of the stage.
          parameters: its configuration.
          inputs: fingerprints of its inputs, by name.
          outputs: name -> function that returns the present fingerprint of an output,
            None if it is missing.
          work: (key) -> fingerprints of the outputs; called only if needed. The key
            is a hash of everything the stage is made from, so that interrupted work
            is resumed only with the same configuration.
          places: (folder of a run) -> the folders that hold all outputs of the stage;
            None if it is never copied from another run.
          units: returns the amount of work, to which time is in proportion:
            episodes, or gradient steps times examples; None if it is not known.
        """
        key = self.key(stage, parameters, inputs)
        if self.is_done(stage, key, outputs):
            logging.info("%s: done before and unchanged", stage)
            self._discard_staging(outputs, key)
            return False
        if places and self._take(stage, key, outputs, places):
            return False
        is_resumed = self.is_begun(stage, key)
        if self.is_chief:
            self.folder.begin(stage, key)
        start = time.monotonic()
        made = work(key)
        if not self.is_chief:
            return True
        seconds = time.monotonic() - start
        entry = {
            "key": key,
            "seed": self.seed,
            "parameters": parameters,
            "inputs": inputs,
            "outputs": made,
            "seconds": round(seconds, 1),
        }
        if units and not is_resumed and (amount := units()):
            entry["pace"] = {"of": self.kind, "seconds": seconds / amount}
        self.folder.record(stage, entry)
        self._discard_staging(made, key)
        return True

    def is_done(
        self, stage: str, key: str, outputs: dict[str, Callable[[], str | None]]
    ) -> bool:
        """Whether a stage is done and unchanged; for the arguments see `do`."""
        done = self.folder.lineage.get(stage, {})
        present = {name: current() for name, current in outputs.items()}
        return done.get("key") == key and done.get("outputs") == present

    def is_begun(self, stage: str, key: str) -> bool:
        """Whether a stage was interrupted, and would be resumed."""
        return self.folder.begun == {"stage": stage, "key": key}

    @property
    def kind(self) -> str:
        """World and observations, on which the pace of a stage depends."""
        observed = "images" if self.images else "states"
        return f"{observed} of {self.suite.domain.partition(':')[0]}"

    def key(
        self, stage: str, parameters: dict[str, Any], inputs: dict[str, str]
    ) -> str:
        """Return the hash of everything that a stage is made from; see `do`."""
        suite = _used(self.suite)
        return run_folder.key(
            stage=stage,
            parameters=parameters,
            inputs=inputs,
            # Where its dataset lies does not matter, its content is an input.
            suite=suite | {"domain": self.suite.domain.partition(":")[0]},
            seed=self.seed,
            camera=_used(self.camera),
        )

    def do_results(
        self,
        stage: str,
        parameters: dict[str, Any],
        inputs: dict[str, str],
        name: str,
        work: Callable[[str], dict[str, Any]],
        units: Callable[[], int] | None = None,
    ) -> dict[str, Any]:
        """Do a stage that ends with a JSON file; return the contents of the file.

        Arguments are those of `do`, but `name` is the path of the file inside the run
        folder, and `work` returns its contents. The file is written last: its presence
        marks complete results.
        """
        path = self.folder.path / name

        def current() -> str | None:
            return checksums.checksum(path).sha256 if path.exists() else None

        def write(key: str) -> dict[str, str]:
            self.folder.write_json(name, work(key))
            return {path.stem: current()}

        self.do(stage, parameters, inputs, {path.stem: current}, write, units=units)
        return json.loads(path.read_text())

    def discard_left(self):
        """Remove copies of what is published that a killed process has left."""
        new_version.discard_left(self.folder.datasets)
        for stage, done in self.folder.lineage.items():
            names = (name for name in done["outputs"] if STAGE_OF.get(name) == stage)
            if stage != STAGE_OF[fields.WTL_EVALUATIONS]:
                self._discard_staging(names, done["key"])

    def _discard_staging(self, published: Iterable[str], key: str):
        """Remove staged episodes that are published."""
        for name in published:
            shutil.rmtree(self.staging(name, key), ignore_errors=True)

    def _take(self, stage: str, key: str, outputs, places) -> bool:
        """Copy the outputs of a stage from a cache source, if one has them."""
        for source in self.cache_sources:
            done = source.lineage.get(stage, {})
            if done.get("key") != key:
                continue
            try:
                for path in places(source):
                    self.folder.adopt(path, source)
            except FileNotFoundError:
                continue
            taken = {name: current() for name, current in outputs.items()}
            if taken == done["outputs"]:
                taken_from = os.path.relpath(source.path, self.folder.path)
                self.folder.write_lineage(stage, done | {"taken_from": taken_from})
                logging.info("%s: taken from %s", stage, source.path)
                return True
        return False

    def require_capability(self, capability: str, setting: str):
        """Check that the world has an optional capability.

        Args:
          capability: name of an optional attribute of `World`.
          setting: name of the setting that needs it.

        Raises:
          UserError: if the world has none.
        """
        if not getattr(self.suite.world, capability):
            able = [w.name for w in registry.usable() if getattr(w, capability)]
            raise UserError(
                f"{setting} needs a world with `{capability}`; suite.domain = "
                f"{self.suite.domain!r} has none, only " + ", ".join(able)
            )

    def has_policy(self, name: str) -> bool:
        """Whether the policy of a method is trained."""
        return self.folder.policy_id(name) is not None

    def require_policy(self, name: str) -> str:
        """Return the id of a trained policy or perception model of this run.

        Raises:
          UserError: if it has not been trained by this version, or was published
            elsewhere and is not trusted.
        """
        found = self.folder.policy_id(name)
        if found is not None:
            trust.require(self.saved_policy(name))
            return found
        if self.folder.has_outdated_policies:
            raise UserError(
                f"the policies in {self.folder.policies} are of an earlier version of "
                "WTL and do not load; run `wtl run` with this --run_dir to train them "
                "again (the datasets still load), or choose another --run_dir"
            )
        raise UserError(
            f"the policy `{name}` is missing in {self.folder.path}; "
            f"run `wtl {training_stage(name)}` with this --run_dir first"
        )

    def inputs(self, *names: str) -> dict[str, str]:
        """Return the fingerprints of datasets and ids of policies that a stage reads.

        Args:
          *names: names of datasets, methods and perception models.

        Raises:
          UserError: if one is missing.
        """
        return {
            name: checksums.fingerprint(self.dataset(name))
            if name in STAGE_OF
            else self.require_policy(name)
            for name in names
        }

    def saved_policy(self, method: str) -> pathlib.Path:
        """Return the folder of the saved policy of a method."""
        return (self.folder.policies / method / "saved_model").absolute()

    def dataset(self, name: str) -> pathlib.Path:
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
        path = self.dataset(name)
        try:
            schema.require(self.spec_of(name), schema.stored_spec(path), path)
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
        """Return the staging folder of a dataset.

        Staged episodes of `evaluate` are kept, so that conditions can be added.
        """
        return self.folder.staging / f"{name}-{key}"

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
            spec or self.spec_of(name),
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

    def spec_of(self, name: str, by_hand: bool = False) -> EpisodeSpec:
        """Return the spec of the episodes of a dataset of this run.

        Args:
          name: name of the dataset.
          by_hand: whether episodes record where an operator took over from a policy.
        """
        human = name == fields.WTL_HUMAN_VIDEOS
        spec = self.suite.episode_spec(self.camera, human)
        return dataclasses.replace(spec, interventions=by_hand)


def training_stage(name: str) -> str:
    """Return the stage that trains the policy of a method, or a perception model."""
    method = METHODS.get(name)
    if method and method.retrial_source:
        return "train_second_round"
    is_given_trials = method and method.is_trained and method.config.trials
    return "train_retrial" if is_given_trials else "train_trial"


def _curated_from(version: pathlib.Path) -> str | None:
    """Return the fingerprint of the version that a command derived one from, if any."""
    made = location.read_provenance(version)
    if "command" not in made or len(made.get("parents", ())) != 1:
        return None
    return made["parents"][0]["fingerprint"]
