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
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import checksums, new_version
from wtl.pipeline import run_folder
from wtl.pipeline.beam_runner import BeamRunner
from wtl.pipeline.run_datasets import STAGE_OF, RunDatasets
from wtl.policies import trust
from wtl.policies.methods import METHODS
from wtl.training.cluster import Cluster

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
      trial_task_share: share of the training tasks that are kept for trials, see
        `trial_tasks`.
    """

    folder: run_folder.RunFolder
    suite: TaskDistribution
    seed: int
    workers: int
    camera: CameraConfig = NO_CAMERA
    cache_sources: Sequence[run_folder.RunFolder] = ()
    beam: BeamRunner | None = None
    cluster: Cluster | None = None
    trial_task_share: float = 0.0

    @property
    def images(self) -> dict[str, tuple[int, int]]:
        """Height and width of the images that policies act on, by name."""
        if self.camera:
            return {fields.IMAGE: (self.camera.pixels,) * 2}
        return dict(self.suite.world.images)

    @property
    def datasets(self) -> RunDatasets:
        """Datasets in the folder of the run."""
        return RunDatasets(self.folder, self.suite, self.seed, self.camera)

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
            shutil.rmtree(self.datasets.staging(name, key), ignore_errors=True)

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
                f"{self.suite.domain!r} has none: give it one where it is registered, "
                f"or choose one of {', '.join(able)}"
            )

    def require_tasks(self, stage: str, *splits: str):
        """Check that the suite has tasks in each of the splits that a stage needs.

        Raises:
          UserError: if one has none.
        """
        for split in splits:
            if not getattr(self.suite, f"{split}_tasks"):
                raise UserError(
                    f"suite.{split}_tasks is 0, but {stage} needs such tasks"
                )

    @property
    def trial_task_parameters(self) -> dict[str, float]:
        """Parameter of stages that `trial_task_share` matters to; none without it."""
        share = self.trial_task_share
        return {"trial_task_share": share} if share else {}

    def trial_tasks(self) -> frozenset[str]:
        """Return the ids of the training tasks that are kept for trials.

        Policies that are given no trials are not trained on these tasks, and make their
        trials there. On tasks that they know from training they fail less often than on
        held-out tasks, and a retrial policy learns to repeat the trial. Without
        `trial_task_share` there are none: all tasks serve both.

        Raises:
          UserError: if no task is kept or none is left, or the world makes no trials.
        """
        share = self.trial_task_share
        if not share:
            return frozenset()
        self.require_capability("make_env", "run.trial_task_share")
        names = [task.task_id for task in self.suite.tasks(fields.SPLIT_TRAIN)]
        kept = round(share * len(names))
        if not 0 < kept < len(names):
            raise UserError(
                f"run.trial_task_share = {share} of {len(names)} training tasks keeps "
                f"{kept} for trials; it has to keep some, and to leave some to train on"
            )
        names.sort(key=lambda name: seeding.derive_seed(self.seed, "kept", name))
        return frozenset(names[:kept])

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
        stage = training_stage(name)
        raise UserError(
            f"the policy `{name}` is missing in {self.folder.path}: run "
            f"`wtl {stage}` with this --run_dir and {name!r} in {stage}.methods, or "
            "take what needs it out of collect_trials.sources and evaluate.conditions"
        )

    def inputs(self, *names: str) -> dict[str, str]:
        """Return the fingerprints of datasets and ids of policies that a stage reads.

        Args:
          *names: names of datasets, methods and perception models.

        Raises:
          UserError: if one is missing.
        """
        return {
            name: checksums.fingerprint(self.datasets.path(name))
            if name in STAGE_OF
            else self.require_policy(name)
            for name in names
        }

    def saved_policy(self, method: str) -> pathlib.Path:
        """Return the folder of the saved policy of a method."""
        return (self.folder.policies / method / "saved_model").absolute()


def training_stage(name: str) -> str:
    """Return the stage that trains the policy of a method, or a perception model."""
    method = METHODS.get(name)
    if method and method.retrial_source:
        return "train_second_round"
    is_given_trials = method and method.is_trained and method.config.trials
    return "train_retrial" if is_given_trials else "train_trial"
