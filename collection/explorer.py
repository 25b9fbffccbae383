"""Explorer: acts at random before any policy is trained."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wtl.collection import episode_loop
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode

_KEPT = 0.6  # correlation of the noise of neighbouring steps
_SCALE = 0.8  # standard deviation, as a share of half the range of an action


@dataclasses.dataclass(frozen=True)
class Explorer:
    """Actor of correlated noise; see `episode_request.ActorSpec`.

    White noise would leave a body where it is.
    """

    privileged: ClassVar[bool] = False

    def play(
        self, environments: VectorEnvironment, requests: Sequence[EpisodeRequest]
    ) -> list[Episode]:
        """Play requests side by side; return an episode of each."""
        return episode_loop.play(environments, _Noise(requests), requests)


class _Noise:
    """Noise of N episodes; see `episode_loop.Actor`."""

    def __init__(self, requests: Sequence[EpisodeRequest]):
        # Imported late: worlds import this package.
        from wtl.collection.worlds import registry

        spec = registry.get(requests[0].scene.task.domain).spec.action
        self._middle = (spec.maximum + spec.minimum) / 2 + np.zeros(spec.shape)
        self._half = (spec.maximum - spec.minimum) / 2 + np.zeros(spec.shape)
        self._rngs = [seeding.generator(r.seed, "explorer") for r in requests]
        self._noise = self._draw()

    def begin(self, environments, requests, observed):
        """See the base class; nothing is to be prepared."""

    def act(self, observed: Observations) -> tuple[np.ndarray, None]:
        """Return the actions of one step."""
        del observed
        share = np.clip(_SCALE * self._noise, -1, 1)
        fresh = np.sqrt(1 - _KEPT**2) * self._draw()
        self._noise = _KEPT * self._noise + fresh
        return self._middle + self._half * share, None

    def _draw(self) -> np.ndarray:
        size = len(self._half)
        return np.stack([rng.standard_normal(size) for rng in self._rngs])

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        """Return the demonstrator: random actions have no goal."""
        del request
        return {fields.DEMONSTRATOR: "random"}
