"""Saves a policy so that it acts without WTL's training code, and loads it again."""

import dataclasses
import hashlib
import json
import pathlib
import shutil

import numpy as np
import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.policies import interface
from wtl.policies.contextual import context as contexts

# Beside the interface, what the number of its alternatives follows from.
_OF_WORLD = ("layout", "families")
_OF_CHOICES = ("head", "components")


class PolicyNotFoundError(FileNotFoundError):
    """There is no saved policy."""


class PolicyMismatchError(ValueError):
    """A policy does not fit the environment."""


def save(policy: tf_policy.TFPolicy, directory: pathlib.Path) -> str:
    """Saves a TF-Agents policy together with its function `encode_context`.

    Args:
      policy: a policy around a trained network, see `wtl.policies.methods.Kind`.
      directory: where to; what is there is replaced at once, never half.

    Returns:
      The policy id, a hash of the weights.
    """
    network = policy.network
    policy_id = weights_hash(policy.variables())
    perception = getattr(policy, "perception", None)
    saver = policy_saver.PolicySaver(
        policy,
        batch_size=None,
        metadata={
            "policy_id": tf.Variable(policy_id),
            "state_size": tf.Variable(network.layout.state_size),
            "pixels": tf.Variable(perception.config.pixels if perception else 0),
            "interface": tf.Variable(json.dumps(_interface(network.config))),
        },
    )
    if perception:
        # Any number of timesteps of any number of episodes.
        observed = {
            name: tf.TensorSpec([None, *spec.shape], spec.dtype)
            for name, spec in policy.time_step_spec.observation.items()
        }
        saver.register_function("perceive", policy.perceive, observed)
        saver.register_function("look", policy.look, observed)
        if policy.watching:
            saver.register_function("perceive_human", policy.perceive_human, observed)
            saver.register_function("look_human", policy.look_human, observed)
    spec = contexts.context_spec(network.config, network.layout.state_size)
    saver.register_function("encode_context", policy.encode_context, spec)
    incomplete = directory.with_name(directory.name + ".incomplete")
    shutil.rmtree(incomplete, ignore_errors=True)
    saver.save(str(incomplete))
    shutil.rmtree(directory, ignore_errors=True)
    incomplete.rename(directory)
    return policy_id


def weights_hash(variables) -> str:
    """Returns a hash of the values of variables."""
    digest = hashlib.sha256()
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:16]


def load(directory: pathlib.Path, state_size: int, pixels: int = 0):
    """Loads a saved policy: `action`, `get_initial_state`, `encode_context`.

    One that acts on images has `perceive` too, which estimates the states of whole
    episodes, of which its context consists, and `look`, which says where it looks in
    their images. One that is shown videos of humans has `perceive_human` and
    `look_human` for these.

    Args:
      directory: where it was saved.
      state_size: length of the state vectors it is to act on.
      pixels: height and width of the images it is to act on; 0 for states.

    Raises:
      PolicyNotFoundError: if there is none.
      PolicyMismatchError: if it acts on other observations.
    """
    if not (directory / "saved_model.pb").exists():
        raise PolicyNotFoundError(
            f"no saved policy at {directory}; train it first (see `wtl --help`)"
        )
    policy = tf.saved_model.load(str(directory))
    expected = int(policy.get_metadata()["state_size"])
    if expected != state_size:
        raise PolicyMismatchError(
            f"the policy {directory} acts on states of {expected} numbers, but the "
            f"environment gives {state_size}; train it for this suite.size"
        )
    seen = int(policy.get_metadata()["pixels"])
    if seen != pixels:
        raise PolicyMismatchError(
            f"the policy {directory} sees {_sight(seen)}, but the environment gives "
            f"{_sight(pixels)}; train it for this camera.pixels"
        )
    return policy


def build(policy: tf_policy.TFPolicy):
    """Makes all weights of a policy around a new network."""
    network = policy.network
    spec = contexts.context_spec(network.config, network.layout.state_size)
    empty = tf.nest.map_structure(
        lambda s: tf.zeros([1 if n is None else n for n in (None, *s.shape)], s.dtype),
        spec,
    )
    encoded = policy.encode_context(empty)
    time_step = ts.restart({fields.STATE: empty.state}, 1)
    policy.action(time_step, encoded)


def restore(policy: tf_policy.TFPolicy, directory: pathlib.Path, policy_id: str):
    """Gives a policy the weights of the last checkpoint of its training.

    Args:
      policy: around a network of the same configuration.
      directory: of the policy; holds `checkpoints/`.
      policy_id: id of the saved policy, which these must be.

    Raises:
      PolicyNotFoundError: if there is no checkpoint.
      PolicyMismatchError: if its weights are others.
    """
    path = tf.train.latest_checkpoint(str(directory / "checkpoints"))
    if path is None:
        raise PolicyNotFoundError(
            f"no checkpoint in {directory}; train the policy first"
        )
    build(policy)
    tf.train.Checkpoint(network=policy.network).restore(path).expect_partial()
    if weights_hash(policy.variables()) != policy_id:
        raise PolicyMismatchError(
            f"the last checkpoint in {directory} is not the policy that was saved; "
            "train it again"
        )


def _sight(pixels: int) -> str:
    return f"images of {pixels} x {pixels} pixels" if pixels else "the state"


def policy_id(policy) -> str:
    """The id of a loaded policy."""
    return policy.get_metadata()["policy_id"].numpy().decode()


def as_saved(config: interface.Interface, policy) -> interface.Interface:
    """The configuration of a method with what one policy of it is shown.

    Args:
      config: of the method.
      policy: loaded; one saved before it could say leaves the configuration as it is.
    """
    saved = policy.get_metadata().get("interface")
    if saved is None:
        return config
    return dataclasses.replace(config, **json.loads(saved.numpy()))


def _interface(config: interface.Interface) -> dict:
    # Layout and families come with the world in which the policy acts.
    fields_saved = dataclasses.fields(interface.Interface)
    names = [field.name for field in fields_saved if field.name not in _OF_WORLD]
    names += [name for name in _OF_CHOICES if hasattr(config, name)]
    return {name: getattr(config, name) for name in names}
