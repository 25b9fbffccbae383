"""Plays shards of episodes, here or with Apache Beam, and stages them."""

from collections.abc import Iterator, Sequence

from wtl.collection import vector_environment
from wtl.collection.episode_request import EpisodeShard
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.run import Run


def staged(
    run: Run, shards: Sequence[EpisodeShard], writer: StagingWriter
) -> Iterator[tuple[EpisodeShard, frozenset[str]]]:
    """Play shards and stage the episodes.

    Args:
      run: processes of this machine play in order, Beam in any.
      shards: all of one kind of actor.
      writer: stages the episodes.

    Yields:
      Each shard that is staged, with the ids of its episodes.
    """
    if not shards:
        return
    if run.beam:
        yield from run.beam.play(shards, writer)
        return
    if shards[0].actor.privileged:
        played = vector_environment.play_shards(shards, run.workers)
        for shard, episodes in zip(shards, played, strict=True):
            writer.append(episodes)
            yield shard, frozenset(episode.id for episode in episodes)
        return
    camera = shards[0].camera
    with vector_environment.ProcessVectorEnvironment(run.workers, camera) as pool:
        for shard in shards:
            episodes = shard.play_in(pool)
            writer.append(episodes)
            yield shard, frozenset(episode.id for episode in episodes)
