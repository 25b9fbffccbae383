"""Needs of stages with planners: models as configured, and a reward that fits."""

import contextlib
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies.foresight.config import ForesightConfig
from wtl.training.foresight_training import foresight_config

_SHAPE = (2, 3)  # of the states and actions with which functions are tried


def configured(method: str, suite: TaskDistribution) -> ForesightConfig:
    """Return the configuration of the model of a method.

    A method with the weights of another has its bindings, too: it differs by what sets
    it apart.

    Raises:
      UserError: if it is configured wrongly.
    """
    config = foresight_config(method, suite)
    source = config.trained_as
    if source:
        plain = foresight_config(source, suite)
        apart = {
            name: value
            for name, value in vars(config).items()
            if value != getattr(plain, name)
        }
        config = dataclasses.replace(configured(source, suite), **apart)
    # Bindings of every method are those of the source already, unless it has its own.
    return bound(config, method, inherits=not source)


def model_settings(config: ForesightConfig) -> dict[str, Any]:
    """Return the fields of a model's configuration by name, for results."""
    return {name: getattr(config, name) for name in ForesightConfig.__annotations__}


def require(stage: str, run: Run):
    """Check that planners can act in the world of a run, before any work.

    Its reward, and the states at which episodes end, are tried on the first state of an
    episode, as an array and as a tensor.

    Raises:
      UserError: if it has no environment or reward, or a function does not fit.
    """
    run.require_capability("make_env", stage)
    run.require_capability("reward", stage)
    world, suite = run.suite.world, run.suite
    task = suite.tasks(fields.SPLIT_TRAIN)[0]
    scene = task.scene(suite.scene_seed(task, "exploration", 0))
    with contextlib.closing(world.open(scene)) as environment:
        observed = environment.reset().observation
    batch = {name: np.asarray(value)[None] for name, value in observed.items()}
    state = suite.layout.inputs(batch, 0)[fields.STATE]
    states = np.broadcast_to(np.float32(state), (*_SHAPE, state.shape[-1]))
    actions = np.zeros((*_SHAPE, *world.spec.action.shape), np.float32)
    for kind, convert in (("an array", np.array), ("a tensor", tf.constant)):
        given = [convert(value) for value in (states, actions, states)]
        reward = _value(world, "reward", kind, given)
        if reward.dtype.kind not in "fi" or not np.isfinite(reward).all():
            raise _fault(world, "reward", kind, f"is {reward.ravel()[0]}")
        if world.ends and _value(world, "ends", kind, given[:1]).dtype != bool:
            raise _fault(world, "ends", kind, "is not True or False")


def _value(world: World, name: str, kind: str, given: list) -> np.ndarray:
    """Return what a function of a world makes of states and actions."""
    try:
        value = getattr(world, name)(*given)
        shape = tuple(value.shape)
        value = np.asarray(value)
    except Exception as error:  # code of a user
        said = str(error).splitlines() or [""]
        what = f"fails: {type(error).__name__}: {said[0]}"
        raise _fault(world, name, kind, what) from error
    if shape != _SHAPE:
        what = f"has shape {shape} for states of shape {tuple(given[0].shape)}"
        raise _fault(world, name, kind, what)
    return value


def _fault(world: World, name: str, kind: str, what: str) -> UserError:
    return UserError(
        f"world {world.name!r}: `{name}` of {kind} {what}; it must return one value "
        "for each state [..., S], and take arrays and tensors alike"
    )
