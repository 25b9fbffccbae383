"""Training of perception models, and estimation of states for image policies."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies import interface
from wtl.training import perception_job, process
from wtl.training.train_config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Model:
    """A perception model of a run.

    Attributes:
      name: its folder among the policies, and its name in the lineage.
      dataset: name of the dataset that it is trained on.
      is_human: whether the dataset shows the simulated human.
    """

    name: str
    dataset: str
    is_human: bool


OWN = Model("perception", fields.WTL_DEMOS, False)
WATCHING = Model("perception_human", fields.WTL_HUMAN_VIDEOS, True)


def models_of(config: interface.Interface) -> list[Model]:
    """Return the perception models that a policy needs."""
    return [OWN, WATCHING] if config.human else [OWN]


def train(run: Run, model: Model):
    """Train a perception model, unless that is done and unchanged.

    Args:
      run: a run with images.
      model: the model.

    Raises:
      UserError: if its training is configured wrongly, the camera varies, or the world
        has no perception.
    """
    run.require_capability("perception", "a policy that acts on images")
    if run.camera.varied:
        raise UserError(
            "a perception model knows the pose of the robot's one camera; set "
            "camera.varied = False"
        )
    training = bound(TrainConfig(), "perception")
    name = model.name

    def work(key: str) -> dict[str, str]:
        job = perception_job.PerceptionJob(
            **_job_fields(run, model, model.dataset),
            training=training,
            seed=seeding.derive_seed(run.seed, "train", name),
            policy_dir=run.folder.claim_policy(name, key),
            log_dir=run.folder.logs / name,
            name=name,
        )
        (trained,) = process.run_all([job], 1)
        run.folder.record_policy(name, trained, key)
        return {name: trained}

    run.do(
        f"train_{name}",
        dataclasses.asdict(training),
        run.inputs(model.dataset),
        {name: lambda: run.folder.policy_id(name)},
        work,
        lambda folder: [folder.policies / name, folder.logs / name],
        lambda: training.steps * training.batch_size,
    )


def perceive(run: Run, names: list[str]):
    """Estimate the states of training episodes, unless that is done.

    Args:
      run: a run with images.
      names: names of datasets.
    """
    for name in names:
        path = _perceived(run, name)
        if not path.exists():
            model = _model_for(name)
            job = perception_job.PerceiveJob(
                **_job_fields(run, model, name),
                perception_dir=run.folder.policies / model.name,
                path=path,
            )
            process.run_all([job], 1)


def job_fields(run: Run, names: Sequence[str]) -> dict[str, Any]:
    """Return the fields of `TrainJob` about perception; none without images.

    Args:
      run: the run.
      names: names of the datasets that the method is given.
    """
    if not run.images:
        return {}
    watches = WATCHING.dataset in names
    return {
        "images": run.images,
        "perception_dir": run.folder.policies / OWN.name,
        "watching_dir": run.folder.policies / WATCHING.name if watches else None,
        "perceived": {name: _perceived(run, name) for name in names},
    }


def _job_fields(run: Run, model: Model, dataset: str) -> dict[str, Any]:
    return {
        "world": run.suite.domain,
        "size": run.suite.size,
        "images": run.images,
        "dataset_dir": run.datasets.path(dataset),
        "is_human": model.is_human,
        "threads": run.processes,
    }


def _model_for(dataset: str) -> Model:
    return WATCHING if dataset == WATCHING.dataset else OWN


def _perceived(run: Run, name: str) -> pathlib.Path:
    """File of the states estimated from the images of a dataset."""
    model = _model_for(name).name
    made_from = run.inputs(name, model)
    file = f"{name}-{made_from[model]}-{made_from[name][:16]}.npy"
    return run.folder.path / "perceived" / file
