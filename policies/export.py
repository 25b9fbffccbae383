"""Saved policies, which act without WTL's code."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout
from wtl.policies import checkpoints, interface, trust
from wtl.policies.contextual import context as contexts

# Fields that follow from the world, and those beyond `Interface` that set `choices`.
_OF_WORLD = ("layout", "families")
_OF_CHOICES = ("head", "components", "commits")


class PolicyNotFoundError(FileNotFoundError):
    """There is no saved policy."""


class PolicyMismatchError(ValueError):
    """A policy does not fit the environment."""


def save(policy: tf_policy.TFPolicy, directory: pathlib.Path, world: str = "") -> str:
    """Save a TF-Agents policy together with its function `encode_context`.

    Args:
      policy: policy around a trained network, see `PolicyKind.policy`.
      directory: target folder, which is replaced atomically.
      world: name of the world of its tasks; `wtl.load_policy` needs it.

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
            "world": tf.Variable(world),
            "layout": tf.Variable(json.dumps(_layout(network.layout))),
            "size": tf.Variable(network.layout.size),
            "state_size": tf.Variable(network.layout.state_size),
            "images": tf.Variable(json.dumps(_images(policy) if perception else {})),
            "interface": tf.Variable(json.dumps(_interface(network.config))),
        },
    )
    if perception:
        # Any number of timesteps of any number of episodes.
        observed = {
            name: tf.TensorSpec([None, *spec.shape], spec.dtype)
            for name, spec in policy.time_step_spec.observation.items()
        }
        human = ("perceive_human", "look_human") if policy.watching else ()
        look = ("look",) if hasattr(policy, "look") else ()
        for name in ("perceive", *look, *human):
            saver.register_function(name, getattr(policy, name), observed)
    if network.config.has_density and not network.layout.kinds:
        given = {
            "observation": policy.time_step_spec.observation,
            "action": policy.action_spec,
            "policy_state": policy.policy_state_spec,
        }
        spec = tf.nest.map_structure(_shape, given)
        saver.register_function("log_likelihood", policy.log_likelihood, spec)
    spec = contexts.context_spec(network.config, network.layout.state_size)
    saver.register_function("encode_context", policy.encode_context, spec)
    incomplete = directory.with_name(directory.name + ".incomplete")
    shutil.rmtree(incomplete, ignore_errors=True)
    saver.save(str(incomplete))
    shutil.rmtree(directory, ignore_errors=True)
    incomplete.rename(directory)
    return policy_id


def weights_hash(variables) -> str:
    """Return a hash of the values of variables."""
    digest = hashlib.sha256()
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:16]


def load(
    directory: pathlib.Path,
    state_size: int,
    images: Mapping[str, tuple[int, int]] | None = None,
):
    """Load a saved policy: `action`, `get_initial_state`, `encode_context`.

    An image policy also has `perceive`, which estimates the states of whole episodes,
    and `look`, which returns the points of attention in their images. A policy that is
    given human videos has `perceive_human` and `look_human` for these.

    Args:
      directory: folder of the saved policy.
      state_size: length of the state vectors.
      images: height and width of the images by name; none for states.

    Raises:
      PolicyNotFoundError: if there is none.
      PolicyMismatchError: if it acts on other observations.
      UserError: if it was published elsewhere and is not trusted.
    """
    if not (directory / "saved_model.pb").exists():
        raise PolicyNotFoundError(
            f"no saved policy at {directory}; train it first (see `wtl --help`)"
        )
    trust.require(directory)
    policy = tf.saved_model.load(checkpoints.literal(directory))
    metadata = policy.get_metadata()
    expected = int(metadata["state_size"])
    if expected != state_size:
        raise PolicyMismatchError(
            f"the policy {directory} acts on states of {expected} numbers, but the "
            f"environment gives {state_size}; train it for this suite.size"
        )
    expected, given = images_of(policy), dict(images or {})
    if expected != given:
        raise PolicyMismatchError(
            f"the policy {directory} acts on {_observation(expected)}, but the "
            f"environment gives {_observation(given)}; train it for this camera.pixels"
        )
    return policy


def images_of(policy) -> dict[str, tuple[int, int]]:
    """Return height and width of the images that a saved policy acts on, by name."""
    sizes = json.loads(policy.get_metadata()["images"].numpy())
    return {name: tuple(size) for name, size in sizes.items()}


def build(policy: tf_policy.TFPolicy):
    """Create all weights of a policy around a new network."""
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
    """Load the weights of the last checkpoint of a policy's training.

    Args:
      policy: policy around a network of the same configuration.
      directory: folder of the policy, with `checkpoints/`.
      policy_id: id of the saved policy, which the weights must have.

    Raises:
      PolicyNotFoundError: if there is no checkpoint.
      PolicyMismatchError: if its weights are others.
    """
    path = tf.train.latest_checkpoint(checkpoints.literal(directory / "checkpoints"))
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


def _layout(layout: Layout) -> dict:
    """Return the fields of a layout that no code of a world makes."""
    return {} if layout.kinds else dataclasses.asdict(layout)


def _shape(spec: tf.TensorSpec) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype)


def _images(policy: tf_policy.TFPolicy) -> dict[str, tuple[int, int]]:
    observed = policy.time_step_spec.observation
    return {n: tuple(s.shape[:2]) for n, s in observed.items() if s.dtype == tf.uint8}


def _observation(images: Mapping[str, tuple[int, int]]) -> str:
    sizes = [f"{height} x {width}" for height, width in images.values()]
    return f"images of {', '.join(sizes)} pixels" if sizes else "the state"


def policy_id(policy) -> str:
    """Return the id of a loaded policy."""
    return policy.get_metadata()["policy_id"].numpy().decode()


def as_saved(config: interface.Interface, policy) -> interface.Interface:
    """Return the configuration of a method with the interface of a loaded policy."""
    saved = policy.get_metadata()["interface"]
    return dataclasses.replace(config, **json.loads(saved.numpy()))


def _interface(config: interface.Interface) -> dict:
    names = [field.name for field in dataclasses.fields(interface.Interface)]
    names = [name for name in names if name not in _OF_WORLD]
    names += [name for name in _OF_CHOICES if hasattr(config, name)]
    return {name: getattr(config, name) for name in names}
