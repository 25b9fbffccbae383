"""Trains perception, and has it look at datasets once, for policies with eyes."""

import json
import pathlib
from typing import Any

from datasets import fields
from wtl.envs import seeding
from wtl.errors import UserError
from wtl.pipeline.run import Run
from wtl.training import perception_job, process, trainer

NAME = "perception"


def train(run: Run, config: dict[str, Any]):
    """Trains perception on the demonstrations, unless that is done and unchanged.

    Args:
      run: with a camera.
      config: fields of `wtl.training.trainer.TrainConfig`.

    Raises:
      UserError: if there is no such field.
    """
    try:
        trainer.TrainConfig(**config)
    except TypeError as error:
        raise UserError(f"train_trial.perception_config is wrong: {error}") from error
    directory = run.folder.policies / NAME

    def work(key: str) -> dict[str, str]:
        run.folder.claim_policy(NAME, key)
        job = perception_job.PerceptionJob(
            size=run.suite.size,
            pixels=run.pixels,
            demos_dir=run.dataset(fields.WTL_DEMOS),
            config=config,
            seed=seeding.derive_seed(run.seed, "train", NAME),
            policy_dir=directory,
            log_dir=run.folder.logs / NAME,
            threads=run.workers,
        )
        (trained,) = process.run_all([job], 1)
        run.folder.write(
            f"policies/{NAME}/policy.json",
            json.dumps({"method": NAME, "policy_id": trained, "key": key}),
        )
        return {NAME: trained}

    run.dataset(fields.WTL_DEMOS)
    run.do(
        "train_perception",
        config,
        {fields.WTL_DEMOS: run.dataset_fingerprint(fields.WTL_DEMOS)},
        {NAME: lambda: perception_job.read_id(directory)},
        work,
    )


def require(run: Run) -> str:
    """Hash of the weights of trained perception.

    Raises:
      UserError: if it has not been trained.
    """
    found = perception_job.read_id(run.folder.policies / NAME)
    if found is None:
        raise UserError(
            f"perception is missing in {run.folder.path}; run `wtl train_trial` with "
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
            job = perception_job.PerceiveJob(
                size=run.suite.size,
                pixels=run.pixels,
                dataset_dir=run.dataset(name),
                perception_dir=run.folder.policies / NAME,
                path=path,
                threads=run.workers,
            )
            process.run_all([job], 1)


def sight(run: Run, trials: bool) -> dict[str, Any]:
    """What a training process has to know of what policies see: fields of `TrainJob`.

    Args:
      run: with or without a camera.
      trials: whether the method is shown trials.
    """
    if not run.pixels:
        return {}
    return {
        "pixels": run.pixels,
        "perception_dir": run.folder.policies / NAME,
        "perceived_demos": _perceived(run, fields.WTL_DEMOS),
        "perceived_trials": _perceived(run, fields.WTL_TRIALS) if trials else None,
    }


def _perceived(run: Run, name: str) -> pathlib.Path:
    """Where the states estimated from a dataset's images are kept."""
    made_from = f"{require(run)}-{run.dataset_fingerprint(name)[:16]}"
    return run.folder.path / "perceived" / f"{name}-{made_from}.npy"
