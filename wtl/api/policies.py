"""Saved policies as objects that act, given demonstrations and trials."""

import copy
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from wtl.collection import context_builder, observation_encoder, policy_actor
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.worlds import registry
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean
from wtl.datasets.reading.store import stack
from wtl.policies import checkpoints, export, interface
from wtl.policies import trust as trust_lib
from wtl.policies.contextual.config import ContextualConfig


class Policy:
    """Saved policy with the episodes that it is given.

    Attributes:
      policy_id: hash of its weights.
      world: name of the world of its tasks.
      takes_demos: whether it is given demonstrations.
      takes_trials: whether it is given trials.
      takes_human_videos: whether its demonstrations are videos of humans.
      observations: names of the observations that it acts on.
      action_size: A, numbers in an action.
      executed: number of consecutive actions that each prediction decides.
    """

    def __init__(self, policy, config: interface.Interface, world: str):
        """Wrap a policy loaded by `wtl.policies.export.load`."""
        self.policy_id = export.policy_id(policy)
        self.world = world
        self.takes_demos, self.takes_trials = config.demos, config.trials
        self.takes_human_videos = config.human
        self._policy, self._config = policy, config
        self._encoder = observation_encoder.ObservationEncoder(policy, config.layout)
        self.observations = self._encoder.observations
        self.action_size, self.executed = config.action_size, config.executed
        self._actor = None

    def __repr__(self) -> str:
        demos = "videos of humans" if self.takes_human_videos else "demonstrations"
        given = [demos] * self.takes_demos + ["trials"] * self.takes_trials
        names = " and ".join(given) or "no episodes"
        return f"Policy {self.policy_id} of {self.world}, given {names}"

    def clone(self) -> "Policy":
        """Return the same policy, with the same weights, for another episode."""
        clone = copy.copy(self)
        clone._actor = None
        return clone

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the observations that it acts on; images are scaled to theirs."""
        return {name: self._shape(name) for name in self.observations}

    @property
    def context_inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the observations that episodes given to it must have, likewise."""
        names = (*self._config.layout.vectors, *self._encoder.images)
        return {name: self._shape(name) for name in names}

    def _shape(self, name: str) -> tuple[int, ...]:
        layout = self._config.layout
        if name in self._encoder.images:
            return (*self._encoder.images[name], 3)
        if name in layout.sets:
            return layout.rows[name][1]
        if name in layout.vectors:
            return (layout.vectors[name],)
        return (layout.proprioception_size,)

    def reset(self, demos: Sequence[Episode] = (), trials: Sequence[Episode] = ()):
        """Prepare for an episode; the first call of `act` encodes the context.

        Args:
          demos: demonstrations of the task; at least one if it takes any.
          trials: earlier attempts at the task, each with its `success`.

        Raises:
          UserError: if it takes demonstrations or trials and none is given, or an
            episode does not fit.
        """
        for name, given, takes in (
            ("demos", demos, self.takes_demos),
            ("trials", trials, self.takes_trials),
        ):
            if takes and not given:
                raise UserError(f"the policy takes {name}: reset({name}=[episode])")
            for number, episode in enumerate(given if takes else ()):
                if not isinstance(episode, Episode):
                    kind = type(episode).__name__
                    raise UserError(f"{name}[{number}] is of {kind}, no episode")
                self._check(name, episode)
        images = self._encoder.images
        stores = [stack(list(e), images) if e else None for e in (demos, trials)]
        builder = context_builder.ContextBuilder(
            self._config,
            self._encoder,
            demos=stores[0],
            human=self._config.human,
            trials=lambda names: stores[1],
        )
        self._request = EpisodeRequest(
            None,
            episode_id="",
            role=fields.ROLE_TRIAL,
            demo_ids=tuple(episode.id for episode in demos) if self.takes_demos else (),
            trial_ids=tuple(e.id for e in trials) if self.takes_trials else (),
        )
        self._actor = policy_actor.PolicyActor(self._policy, builder, self.policy_id)
        self._began = False

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the float32[A] action for an observation, in the world's units.

        Args:
          observation: arrays by name, as environments of the world give them.

        Raises:
          UserError: if `reset` was not called, or an observation is missing or does
            not fit.
        """
        if self._actor is None:
            raise UserError("call reset(demos=..., trials=...) before act")
        known = observation if isinstance(observation, Mapping) else ()
        missing = [name for name in self.observations if name not in known]
        if missing:
            given = f"; given: {', '.join(map(str, known))}" if known else ""
            raise UserError(
                f"the policy acts on a dict of {', '.join(self.observations)}; not "
                f"given: {', '.join(missing)}{given}"
            )
        batch = {n: self._observed(n, observation[n])[None] for n in self.observations}
        if not self._began:
            self._actor.begin(None, [self._request], batch)
            self._began = True
        action, _ = self._actor.act(batch)
        return action[0]

    def act_chunk(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the float32[executed, A] actions until the next prediction.

        They are those that as many calls of `act` return, of which only the first
        reads its observation. Use one of the two methods throughout an episode.
        """
        return np.stack([self.act(observation) for _ in range(self.executed)])

    def target_weights(
        self, observation: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Return the probabilities [E] of the entities that it may choose to act on.

        Args:
          observation: the first one of the episode, as for `act`.

        Returns:
          Entities are in the order of their slots in the observation, those in images
          from left to right, kind after kind; None if the policy selects none.

        Raises:
          UserError: if `reset` was not called.
        """
        if self._actor is None:
            raise UserError("call reset(demos=..., trials=...) before target_weights")
        batch = {name: np.asarray(value)[None] for name, value in observation.items()}
        return self._actor.target_weights(self._request, batch)

    def look(self, episode: Episode) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the attention of an image policy in the T images of an episode.

        Returns:
          [T, Q, 2] image coordinates in [-1, 1] of entities, each kind from left to
          right, then of anything else searched for; and [T, h, w] shares of the
          attention. None of other policies.
        """
        if not self._encoder.images:
            return None
        store = stack([episode], self._encoder.images)
        found = self._encoder.look(store.state, store.images)
        return found and (found[0][0], found[1][0])

    def _observed(self, name: str, value: np.ndarray) -> np.ndarray:
        """Return an observation as the graph takes it, checked."""
        array = np.asarray(value)
        if name in self._encoder.images:
            if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
                raise UserError(
                    f"observation {name!r} is {array.dtype}{list(array.shape)}, no "
                    "image uint8[H, W, 3]"
                )
            return array
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise UserError(f"observation {name!r} is not of finite numbers")
        shape = self._shape(name)
        if len(shape) > 1 and array.shape != shape:
            raise UserError(
                f"observation {name!r} has the shape {list(array.shape)}; the policy "
                f"takes {list(shape)}"
            )
        if array.size != math.prod(shape):
            raise UserError(
                f"observation {name!r} has {array.size} numbers; the policy takes "
                f"{shape[0]}"
            )
        return array.astype(np.float32)

    def _check(self, name: str, episode: Episode):
        needed = self._config.layout.vectors | dict.fromkeys(self._encoder.images)
        if not (self._config.human and name == "demos"):
            needed |= {fields.ACTION: self._config.action_size}
        for field, size in needed.items():
            array = episode.steps.get(field)
            if array is None:
                raise UserError(f"{name}: {episode.id} has no {field!r}")
            found = array[0].size
            if size not in (None, found):
                raise UserError(
                    f"{name}: {episode.id} has {found} numbers of {field!r}; the "
                    f"policy takes {size}"
                )


def load_policy(folder: str | os.PathLike, trust: bool = False) -> Policy:
    """Load a policy of a run, or a published one.

    Args:
      folder: RUN/policies/METHOD, or the folder of a published version.
      trust: whether to load a published version; it is a program of its origin.

    Raises:
      UserError: if there is none, it is published and not trusted, it was saved by a
        version before 0.2, or it is an oracle.
    """
    saved = pathlib.Path(os.path.expanduser(folder)) / "saved_model"
    if not (saved / "saved_model.pb").is_file():
        beside = [path.name for path in saved.parent.parent.glob("*/")]
        raise UserError(
            f"no policy in {folder}: it has no saved_model/"
            + did_you_mean(saved.parent.name, beside)
        )
    trust_lib.require(saved, trust)
    policy = tf.saved_model.load(checkpoints.literal(saved))
    metadata = policy.get_metadata()
    name = metadata["world"].numpy().decode() if "world" in metadata else ""
    if not name:
        raise UserError(f"{folder} does not name its world: train it again")
    given = json.loads(metadata["interface"].numpy())
    if given.get("oracle") or given.get("gains_given"):
        raise UserError(
            f"{folder} is given privileged information on its task, which `wtl "
            "evaluate` alone has"
        )
    kind = ContextualConfig if "components" in given else interface.Interface
    if plain := json.loads(metadata["layout"].numpy()):
        layout, families = PlainLayout.of_json(plain), ()
    elif name in registry.names():
        world = registry.get(name)
        layout, families = world.encoder(int(metadata["size"])), world.families
    else:
        known = ", ".join(registry.names())
        raise UserError(
            f"{folder} acts in world {name!r}, which is none of {known}; install or "
            "import the package that has it"
        )
    return Policy(policy, kind(layout=layout, families=families, **given), name)
