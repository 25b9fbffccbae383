"""Plays shards of rollouts, here or with Apache Beam, and stages the episodes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from wtl.collection import vector_environment
from wtl.collection.shard import Shard
from wtl.datasets.contract.episode import Episode
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.run import Run


class RolloutShard(Shard, Protocol):
    """Rollouts of one policy, played in lockstep."""

    def play_in(
        self,
        environments: vector_environment.EnvironmentPool
        | vector_environment.Environments,
    ) -> list[Episode]:
        """Plays them in environments that are there already."""


def staged(
    run: Run, shards: Sequence[RolloutShard], writer: StagingWriter
) -> Iterator[RolloutShard]:
    """Plays shards and stages the episodes.

    Args:
      run: says who plays: processes of this machine, in order, or Beam, in any.
      shards: what to play.
      writer: where to.

    Yields:
      Each shard whose episodes are staged.
    """
    if run.beam:
        for shard, _ in run.beam.play(shards, writer):
            yield shard
        return
    with vector_environment.EnvironmentPool(run.workers, run.pixels, run.wrist) as pool:
        for shard in shards:
            writer.append(shard.play_in(pool))
            yield shard
