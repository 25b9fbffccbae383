"""Session of one client: its context, and its copy of the policy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wtl.api.policies import Policy
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.serving import context_episode

ENDPOINT = "endpoint"
ACT, CONTEXT, RESET = ENDPOINTS = ("act", "context", "reset")
FIRST_ACT = "first act"  # of an episode: the context is encoded
ACTIONS = "actions"  # openpi's name
_DEMOS, _TRIALS = "demos", "trials"


class Session:
    """Answers the requests of one client, one after another.

    Attributes:
      kind: kind of the last request, for the statistics of latencies.
    """

    def __init__(self, policy: Policy, run: context_episode.RunEpisodes):
        """Begin with a policy of its own, and the episodes that may be named."""
        self._policy = policy
        self._run = run
        self._takes = {_DEMOS: policy.takes_demos, _TRIALS: policy.takes_trials}
        self._given = {name: [] for name in self._takes}
        self._is_first = True
        self.kind = ""
        if self._is_ready:
            self._begin()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a message.

        Raises:
          UserError: if the message is at fault; the session is as before.
        """
        endpoint = message.get(ENDPOINT)
        if not isinstance(endpoint, str):
            # As openpi's clients do it: the message is the observation.
            endpoint, message = ACT, {ENDPOINT: ACT, "observation": message}
        if endpoint not in ENDPOINTS:
            raise UserError(
                f"endpoint {endpoint!r:.40} is none of {', '.join(ENDPOINTS)}"
            )
        self.kind = endpoint
        given = {name: value for name, value in message.items() if name != ENDPOINT}
        return getattr(self, f"_{endpoint}")(**_known(endpoint, given))

    def _context(self, **given) -> dict[str, Any]:
        roles = {_DEMOS: fields.ROLE_DEMO, _TRIALS: fields.ROLE_TRIAL}
        new = dict(self._given)
        for name, episodes in given.items():
            if not self._takes[name]:
                raise UserError(f"the policy takes no {name}")
            acts = name == _TRIALS or not self._policy.takes_human_videos
            inputs = self._policy.context_inputs
            new[name] = context_episode.read(
                episodes, roles[name], inputs, acts, self._run
            )
        kept, self._given = self._given, new
        try:
            if self._is_ready:
                self._begin()
        except Exception:
            self._given = kept
            raise
        counts = {name: len(episodes) for name, episodes in new.items()}
        return counts | {"ready": self._is_ready}

    def _reset(self) -> dict[str, Any]:
        self._require_context()
        self._begin()
        return {"ready": True}

    def _act(self, observation: Any) -> dict[str, Any]:
        self._require_context()
        if not isinstance(observation, Mapping):
            raise UserError("an observation is a map of arrays by name")
        if self._is_first:
            self.kind = FIRST_ACT
        actions = self._policy.act_chunk(context_episode.flattened(observation))
        self._is_first = False
        if not np.isfinite(actions).all():
            raise UserError("the policy's action is not finite; do not move")
        return {ACTIONS: actions}

    @property
    def _missing(self) -> list[str]:
        return [n for n, taken in self._takes.items() if taken and not self._given[n]]

    @property
    def _is_ready(self) -> bool:
        return not self._missing

    def _require_context(self):
        if missing := self._missing:
            raise UserError(
                f"the policy takes {' and '.join(missing)}: send them to the endpoint "
                f"{CONTEXT} first"
            )

    def _begin(self):
        self._policy.reset(**self._given)
        self._is_first = True


_ARGUMENTS = {ACT: {"observation"}, CONTEXT: {_DEMOS, _TRIALS}, RESET: set()}


def _known(endpoint: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a message to an endpoint, all of which it knows."""
    known = _ARGUMENTS[endpoint]
    if left := given.keys() - known:
        raise UserError(
            f"endpoint {endpoint} takes {', '.join(sorted(known)) or 'no fields'}, not "
            f"{min(left)!r:.40}"
        )
    if endpoint == ACT and not given:
        raise UserError("endpoint act takes an observation")
    return given


def rehearse(policy: Policy):
    """Let a policy act on zeros, so that no client waits for its graphs to be built."""
    episode = {
        context_episode.OBSERVATION: _zeros(policy.context_inputs, 2),
        fields.ACTION: np.zeros((1, policy.action_size), np.float32),
        fields.SUCCESS: True,
    }
    session = Session(policy.clone(), {})
    takes = {_DEMOS: policy.takes_demos, _TRIALS: policy.takes_trials}
    given = {name: [episode] for name, taken in takes.items() if taken}
    session.answer({ENDPOINT: CONTEXT, **given})
    for _ in range(2):
        session.answer(_zeros(policy.inputs))


def _zeros(shapes: Mapping[str, tuple[int, ...]], *lead: int) -> dict[str, np.ndarray]:
    return {
        name: np.zeros((*lead, *shape), np.uint8 if len(shape) == 3 else np.float32)
        for name, shape in shapes.items()
    }
