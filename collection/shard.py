"""Shards of work: episodes that are played together, by whichever process.

A shard is a value, and what it gives is a pure function of it, ids included: to play
it twice, elsewhere or after a failure does no harm.
"""

import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from typing import Protocol

from wtl.collection import demonstration, vector_environment
from wtl.datasets.contract import episode as episodes


class Shard(Protocol):
    """Episodes to be played together."""

    @property
    def episode_ids(self) -> Sequence[str]:
        """Ids of the episodes that playing it gives, unless they fail."""

    def play(self) -> list[episodes.Episode]:
        """Plays them in this process."""


def name(shard: Shard) -> str:
    """Name of a shard, which no other shard of a dataset has."""
    return hashlib.sha256("\n".join(shard.episode_ids).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class DemonstrationShard:
    """Demonstrations to be played one after another.

    Attributes:
      requests: what to demonstrate.
    """

    requests: tuple[demonstration.DemonstrationRequest, ...]

    @property
    def episode_ids(self) -> tuple[str, ...]:
        """Ids of the demonstrations; those that fail are not among the episodes."""
        return tuple(request.episode_id for request in self.requests)

    def play(self) -> list[episodes.Episode]:
        """Plays them; see `Shard`."""
        if self.requests[0].pixels and "tensorflow" in sys.modules:
            # Mesa and TensorFlow in one process crash.
            batches = vector_environment.demonstrate_all(self.requests, workers=1)
            played = [pair for batch in batches for pair in batch]
        else:
            played = [demonstration.demonstrate(r) for r in self.requests]
        return [episode for episode, _ in played if episode]


def demonstration_shards(
    requests: Sequence[demonstration.DemonstrationRequest], size: int
) -> list[DemonstrationShard]:
    """Deals requests out, in order, to shards of up to `size`."""
    return [
        DemonstrationShard(tuple(requests[start : start + size]))
        for start in range(0, len(requests), size)
    ]
