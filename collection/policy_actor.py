"""Policy actor: a saved policy with the demonstrations and trials of a request."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection import context_builder, episode_loop, observation_encoder
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore, stack
from wtl.datasets.storage import staging
from wtl.policies import export, interface

_NEVER = -1e9  # added to the logit of a target that is passed over
_MOST = 16.0  # nats below the likeliest target at which a target counts as impossible
_BISECTIONS = 14
_SAME = 1e-6


@dataclasses.dataclass(frozen=True)
class PolicyActorSpec:
    """Saved policy and the episodes it may be given; see `episode_request.ActorSpec`.

    Attributes:
      config: of the policy's method.
      policy_dir: where the policy was saved.
      policy_id: of the policy; a later one may be saved in the same folder.
      split: of the demonstrations and trials.
      demos_dir: version folder of the demonstrations.
      human: whether the demonstrations are videos of the simulated human.
      trials_dir: folder of the trials, a published version or staged episodes; None
        where no request names any.
      images: height and width of the images that the policy acts on, by name.
    """

    privileged: ClassVar[bool] = False
    config: interface.Interface
    policy_dir: pathlib.Path
    policy_id: str
    split: str
    demos_dir: pathlib.Path
    human: bool = False
    trials_dir: pathlib.Path | None = None
    images: Mapping[str, tuple[int, int]] = dataclasses.field(
        default_factory=dict, hash=False
    )

    def play(
        self, environments: VectorEnvironment, requests: Sequence[EpisodeRequest]
    ) -> list[Episode]:
        """Play requests side by side; return an episode of each."""
        return episode_loop.play(environments, actor_of(self), requests)


@functools.lru_cache(maxsize=4)
def actor_of(spec: PolicyActorSpec) -> "PolicyActor":
    """Load an actor, once in each process."""
    policy = export.load(spec.policy_dir, spec.config.layout.state_size, spec.images)
    config = export.as_saved(spec.config, policy)
    encoder = observation_encoder.ObservationEncoder(policy, config.layout)
    demos = None
    if config.demos:
        demos = stored(spec.demos_dir, spec.split, frozenset(spec.images.items()))
    builder = context_builder.ContextBuilder(
        config,
        encoder,
        demos=demos,
        human=spec.human,
        trials=functools.partial(_trials, spec),
    )
    return PolicyActor(policy, builder, export.policy_id(policy))


@functools.lru_cache(maxsize=2)
def stored(
    folder: pathlib.Path, split: str, images: frozenset[tuple[str, tuple[int, int]]]
) -> EpisodeStore:
    """Return the valid episodes of a version of a dataset, read once per process.

    Images of these names are read too, scaled to these heights and widths.
    """
    store = reader.read(folder, split, images=dict(images))
    return store.select(~store[fields.INVALID])


def _trials(spec: PolicyActorSpec, names: set[str]) -> EpisodeStore:
    """Return trials by id."""
    if staging.is_staging(spec.trials_dir):
        staged = staging.iterate_staged(spec.trials_dir, names)
        return stack(list(staged), spec.images)
    store = stored(spec.trials_dir, spec.split, frozenset(spec.images.items()))
    return store.select(store.rows(sorted(names)))


class PolicyActor:
    """Policy with its context builder; see `episode_loop.Actor`."""

    def __init__(self, policy, builder: context_builder.ContextBuilder, policy_id: str):
        """Wrap a TF-Agents policy with `encode_context`, saved or not."""
        self.policy = policy
        self.builder = builder
        self._policy_id = policy_id

    def begin(self, environments, requests, observed):
        """Encode the context of N episodes."""
        del environments
        self._state = self.encode(requests, observed)
        self._step_type = tf.fill([len(requests)], ts.StepType.FIRST)
        self._step = 0

    def encode(self, requests: Sequence[EpisodeRequest], observed: Observations):
        """Return the policy state of N episodes, given their first observations."""
        context = self.builder.build(requests, observed)
        state = self.policy.encode_context(context)
        passed_over = np.array([request.passed_over for request in requests])
        for passed in range(max(passed_over, default=0)):
            rows = np.flatnonzero(passed_over > passed)
            noise = np.array(context.gumbel)
            noise[rows, self.builder.encoder.selected_targets(state)[rows]] = _NEVER
            context = context._replace(gumbel=tf.constant(noise))
            state = self.policy.encode_context(context)
        return state

    def target_weights(
        self, request: EpisodeRequest, observed: Observations
    ) -> np.ndarray | None:
        """Return the probabilities [E] of the targets that a policy may select.

        A saved policy returns its choice alone. Entity i is selected once its logit is
        raised by what it lacks to the highest one, which bisection finds for all
        entities at once.

        Args:
          request: an episode.
          observed: its first observation, [1, ...].

        Returns:
          One probability for each slot, of image policies for each place from the left;
          None of a policy that selects no entity.
        """
        encoder, count = self.builder.encoder, self.builder.config.entities
        context = self.builder.build([request], observed)
        target = encoder.target(self.policy.encode_context(context))
        if count < 2 or target is None or target.shape[-1] != count:
            return None
        context = tf.nest.map_structure(
            lambda part: tf.repeat(part, count, axis=0), context
        )
        noise = np.zeros(context.gumbel.shape, np.float32)
        low, high = np.zeros(count), np.full(count, _MOST)
        for _ in range(_BISECTIONS):
            noise[np.arange(count), np.arange(count)] = middle = (low + high) / 2
            raised = context._replace(gumbel=tf.constant(noise))
            state = self.policy.encode_context(raised)
            won = encoder.selected_targets(state) == np.arange(count)
            low, high = np.where(won, low, middle), np.where(won, middle, high)
        weights = np.where(high < _MOST, np.exp(-high), 0.0)
        if np.ptp(weights) < _SAME:
            return None  # as of flat states, whose logits are all alike
        return weights / weights.sum()

    def act(self, observed: Observations) -> tuple[np.ndarray, None]:
        """Return the policy's actions."""
        given = self.builder.encoder.given(observed, self._step)
        self._step += 1
        action, self._state = compiled(self.policy)(self._step_type, given, self._state)
        self._step_type = tf.fill([len(action)], ts.StepType.MID)
        if not np.isfinite(action).all():
            raise UserError(
                f"the policy {self._policy_id} has diverged: its action is not finite "
                f"at step {self._step}; train it anew with a lower learning rate "
                "(episodes played before are kept)"
            )
        return np.asarray(action), None

    def log_likelihood(self, observed: Observations, action: np.ndarray) -> np.ndarray:
        """Return log densities [N], in nats, of actions [N, A] at this timestep."""
        given = {
            "observation": self.builder.encoder.given(observed, self._step),
            "action": tf.constant(action),
            "policy_state": self._state,
        }
        return self.policy.log_likelihood(given).numpy()

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        """Return the policy's id and the parents of an episode."""
        config = self.builder.config
        return {
            "policy_id": self._policy_id,
            "parent_demo_ids": request.demo_ids if config.demos else (),
            "parent_trial_ids": request.trial_ids,
        }


@functools.lru_cache(maxsize=8)
def compiled(policy) -> Callable:
    """Return a policy's `action` without the overhead of TF-Agents.

    Args:
      policy: any TF-Agents policy, or a saved one, which on each call would search for
        the signature that fits a time step.

    Returns:
      (int32[N] step types, N observations, policy state) -> actions [N, A] and the next
      policy state.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def act(step_type, observed, policy_state):
        zeros = tf.zeros(tf.shape(step_type))
        time_step = ts.TimeStep(step_type, zeros, tf.ones_like(zeros), observed)
        step = policy.action(time_step, policy_state)
        return step.action, step.state

    return act
