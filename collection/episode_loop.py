"""Loop that plays episodes: every stage, command and runner uses it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.datasets.contract.episode import Episode


class Actor(Protocol):
    """Actor that selects the actions of N episodes played at once."""

    def begin(
        self,
        environments: VectorEnvironment,
        requests: Sequence[EpisodeRequest],
        observed: Observations,
    ):
        """Prepare for N episodes.

        Args:
          environments: just reset.
          requests: N episodes.
          observed: first observations, [N, ...] each.
        """

    def act(self, observed: Observations) -> tuple[np.ndarray, np.ndarray | None]:
        """Return float[N, A] actions, and those to be recorded in their place."""

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        """Return metadata of an episode that the environment does not have."""


def play(
    environments: VectorEnvironment, actor: Actor, requests: Sequence[EpisodeRequest]
) -> list[Episode]:
    """Play N episodes side by side to their end.

    Args:
      environments: one environment per request is opened in it.
      actor: selects the actions.
      requests: N episodes, all with the same horizon.

    Returns:
      N episodes.
    """
    scenes = [request.scene for request in requests]
    observed = environments.reset(scenes)
    actor.begin(environments, requests, observed)
    while not environments.are_over(scenes):
        observed = environments.step(*actor.act(observed))
    return environments.finish(
        [
            {
                "episode_id": request.episode_id,
                "role": request.role,
                "hidden_rule": request.rule,
                "trial_index": request.trial_index,
                **actor.metadata(request),
            }
            for request in requests
        ]
    )
