"""Training of models of the next state, and the policies that plan with them."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Task, World
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import export
from wtl.policies.foresight.config import ForesightConfig
from wtl.policies.foresight.loss import loss
from wtl.policies.foresight.network import Foresight
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.planner.config import PlannerConfig
from wtl.policies.planner.policy import PlannerPolicy
from wtl.training import trainer
from wtl.training.policy_config import config_for
from wtl.training.slices import SliceSource
from wtl.training.train_config import TrainConfig


def foresight_config(method: str, suite: TaskDistribution) -> ForesightConfig:
    """Return the configuration of the model of a method for the tasks of a suite."""
    config = config_for(method, suite)
    hidden = len(suite.tasks(fields.SPLIT_TRAIN)[0].hidden) if config.oracle else 0
    return dataclasses.replace(config, hidden_size=hidden)


def hidden_by_step(
    episodes: EpisodeStore, tasks: Mapping[str, Task], config: ForesightConfig
) -> np.ndarray:
    """Return float32[N, T, H] hidden variables that an oracle is given at each step.

    Args:
      episodes: N episodes.
      tasks: tasks by id; the first hidden variable is the step from which the others
        hold.
      config: configuration of the model.
    """
    count, length = episodes.state.shape[:2]
    if not config.oracle:
        return np.zeros((count, length, 0), np.float32)
    hidden = np.array([tasks[name].hidden for name in episodes[fields.TASK_ID]])
    holds = np.arange(length) >= hidden[:, :1]
    return np.where(holds[..., None], hidden[:, None, 1:], 0).astype(np.float32)


def train(
    name: str,
    config: ForesightConfig,
    episodes: EpisodeStore,
    tasks: Mapping[str, Task],
    training: TrainConfig,
    *,
    seed: int,
    directory: pathlib.Path,
    log_dir: pathlib.Path,
) -> Foresight:
    """Train a model, from its last checkpoint if there is one.

    Args:
      name: title of the progress bar.
      config: configuration of the model.
      episodes: episodes to learn from.
      tasks: their tasks by id.
      training: hyper-parameters.
      seed: of all random draws.
      directory: folder of the policy, of checkpoints.
      log_dir: folder of TensorBoard events.

    Raises:
      UserError: if the episodes are too short, or training diverges.
    """
    for setting in ("predicted", "window") if config.adapts else ("predicted",):
        if (episodes.length <= getattr(config, setting)).all():
            raise UserError(
                f"{name}/ForesightConfig.{setting} is {getattr(config, setting)}, but "
                f"episodes have {episodes.length.max() - 1} steps at most: lower it"
            )
    tf_keras.utils.set_random_seed(seed % 2**32)
    network = Foresight(config)
    network.scale(episodes)
    source = SliceSource(episodes, hidden_by_step(episodes, tasks, config), config)
    trainer.train_with_progress(
        name,
        lambda losses: {"error": f"{float(losses.total):.3f}"},
        network,
        loss,
        source,
        training,
        seed=seed,
        checkpoint_dir=directory / "checkpoints",
        log_dir=log_dir,
    )
    if not all(np.isfinite(variable).all() for variable in network.variables):
        raise UserError(
            f"the training of {name} diverged: lower TrainConfig.learning_rate"
        )
    return network


def save(
    network: Foresight, world: World, planner: PlannerConfig, directory: pathlib.Path
) -> str:
    """Save the policy that plans with a model for the reward of a world.

    Returns:
      The id of the policy.
    """
    low, high = (
        np.broadcast_to(limit, world.spec.action.shape).astype(np.float32)
        for limit in (world.spec.action.minimum, world.spec.action.maximum)
    )
    policy = PlannerPolicy(network, world.reward, planner, low, high, world.ends)
    return export.save(policy, directory / "saved_model", world.name)
