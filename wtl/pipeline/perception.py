"""Trains perception, and has it look at datasets once, for policies with eyes."""

import dataclasses
import json
import pathlib
from typing import Any

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies import interface
from wtl.training import perception_job, process
from wtl.training.train_config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Eyes:
    """One perception of a run.

    Attributes:
      name: its folder among the policies, and its name in the lineage.
      dataset: what it is trained on.
      embodiment: whose body is seen in it.
    """

    name: str
    dataset: str
    embodiment: Embodiment


OWN = Eyes("perception", fields.WTL_DEMOS, Embodiment.ROBOT)
WATCHING = Eyes("perception_human", fields.WTL_HUMAN_VIDEOS, Embodiment.HUMAN)


def eyes_of(config: interface.Interface) -> list[Eyes]:
    """What a policy needs to see with."""
    return [OWN, WATCHING] if config.human else [OWN]


def train(run: Run, eyes: Eyes):
    """Train perception, unless that is done and unchanged.

    Args:
      run: with a camera.
      eyes: the perception to train.

    Raises:
      UserError: if it is configured wrongly.
    """
    training = bound(TrainConfig(), "perception")
    directory = run.folder.policies / eyes.name

    def work(key: str) -> dict[str, str]:
        run.folder.claim_policy(eyes.name, key)
        job = perception_job.PerceptionJob(
            size=run.suite.size,
            pixels=run.pixels,
            dataset_dir=run.dataset(eyes.dataset),
            embodiment=eyes.embodiment,
            training=training,
            seed=seeding.derive_seed(run.seed, "train", eyes.name),
            policy_dir=directory,
            log_dir=run.folder.logs / eyes.name,
            threads=run.workers,
            name=eyes.name,
        )
        (trained,) = process.run_all([job], 1)
        run.folder.write(
            f"policies/{eyes.name}/policy.json",
            json.dumps({"method": eyes.name, "policy_id": trained, "key": key}),
        )
        return {eyes.name: trained}

    run.dataset(eyes.dataset)
    run.do(
        f"train_{eyes.name}",
        dataclasses.asdict(training),
        {eyes.dataset: run.dataset_fingerprint(eyes.dataset)},
        {eyes.name: lambda: perception_job.read_id(directory)},
        work,
        lambda folder: [folder.policies / eyes.name, folder.logs / eyes.name],
    )


def require(run: Run, eyes: Eyes) -> str:
    """Hash of the weights of trained perception.

    Raises:
      UserError: if it has not been trained.
    """
    found = perception_job.read_id(run.folder.policies / eyes.name)
    if found is None:
        raise UserError(
            f"{eyes.name} is missing in {run.folder.path}; run `wtl train_trial` with "
            "this --run_dir first"
        )
    return found


def perceive(run: Run, names: list[str]):
    """Estimates the states of training episodes, unless that is done.

    Args:
      run: with a camera.
      names: of datasets.
    """
    for name in names:
        path = _perceived(run, name)
        if not path.exists():
            eyes = _eyes_for(name)
            job = perception_job.PerceiveJob(
                size=run.suite.size,
                pixels=run.pixels,
                dataset_dir=run.dataset(name),
                embodiment=eyes.embodiment,
                perception_dir=run.folder.policies / eyes.name,
                path=path,
                threads=run.workers,
            )
            process.run_all([job], 1)


def sight(run: Run, config: interface.Interface) -> dict[str, Any]:
    """What a training process has to know of what policies see: fields of `TrainJob`.

    Args:
      run: with or without a camera.
      config: of the method.
    """
    if not run.pixels:
        return {}
    fields_of_job = {
        "pixels": run.pixels,
        "perception_dir": run.folder.policies / OWN.name,
        "perceived_demos": _perceived(run, fields.WTL_DEMOS),
    }
    if config.trials:
        fields_of_job["perceived_trials"] = _perceived(run, fields.WTL_TRIALS)
    if config.human:
        fields_of_job["watching_dir"] = run.folder.policies / WATCHING.name
        fields_of_job["perceived_videos"] = _perceived(run, WATCHING.dataset)
    return fields_of_job


def _eyes_for(dataset: str) -> Eyes:
    return WATCHING if dataset == WATCHING.dataset else OWN


def _perceived(run: Run, name: str) -> pathlib.Path:
    """Where the states estimated from a dataset's images are kept."""
    made_from = f"{require(run, _eyes_for(name))}-{run.dataset_fingerprint(name)[:16]}"
    return run.folder.path / "perceived" / f"{name}-{made_from}.npy"
