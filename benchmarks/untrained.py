"""A policy that has learnt nothing, and the trials it makes: what speed takes."""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks import demonstrations
from wtl.collection import recorder, trial
from wtl.collection.demonstration import DemonstrationRequest
from wtl.datasets.contract import episode, fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import new_version
from wtl.policies import export
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS


def save(
    method: str, folder: pathlib.Path, demos_dir: pathlib.Path
) -> trial.TrialSource:
    """Saves a policy.

    Args:
      method: key of `METHODS`.
      folder: where to.
      demos_dir: version folder of the demonstrations that it is shown.

    Returns:
      What its trials are made of.
    """
    tf_keras.utils.set_random_seed(0)
    config = dataclasses.replace(METHODS[method].config, size=demonstrations.SIZE)
    kind = METHODS[method].kind
    policy = kind.policy(kind.network(config))
    export.build(policy)
    export.save(policy, folder)
    return trial.TrialSource(config, folder, demos_dir)


def trials(
    source: trial.TrialSource, shown: Sequence[DemonstrationRequest]
) -> tuple[trial.Trial, ...]:
    """A trial after each demonstration, in the other scene of its task.

    Args:
      source: see `save`.
      shown: all that was to be demonstrated of some tasks, see `demonstrations`; what
        nobody could demonstrate is left out.
    """
    demos = reader.read(source.demos_dir)
    made, size = [], demonstrations.PER_TASK
    for i, request in enumerate(shown):
        row = demos.index_by_id.get(request.episode_id)
        if row is None:
            continue
        scene = (i + size // 2) % size
        setup = shown[i - i % size + scene].setup
        name = episode.episode_id(
            fields.WTL_TRIALS, setup.task.task_id, "trial", scene, i
        )
        made.append(trial.Trial(row, setup, name, seed=i, greedy=True, index=0))
    return tuple(made)


def publish_trials(
    root: pathlib.Path,
    source: trial.TrialSource,
    shown: Sequence[DemonstrationRequest],
) -> pathlib.Path:
    """Plays and publishes `trials`; returns the folder of the version."""
    shard = trial.TrialShard(source, trials(source, shown))
    spec = recorder.episode_spec(demonstrations.SIZE)
    with new_version.new_version(root, fields.WTL_TRIALS, spec) as version:
        version.writer.append(shard.play())
        return version.publish("Trials.", {})
