"""Collection of episodes: played here or with Apache Beam, staged and published."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tqdm

from wtl.collection import vector_environment
from wtl.collection.episode_request import EpisodeShard
from wtl.datasets.contract.progress import progress
from wtl.datasets.storage import location
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.run import Run
from wtl.pipeline.run_datasets import STAGE_OF


def collect(
    run: Run,
    name: str,
    parameters: dict[str, Any],
    inputs: dict[str, str],
    stage: Callable[[StagingWriter], None],
    account: dict[str, Any] | None = None,
    by_hand: bool = False,
    units: Callable[[], int] | None = None,
):
    """Do the stage that collects a dataset.

    Args:
      run: the run.
      name: name of the dataset.
      parameters: configuration of the stage.
      inputs: fingerprints of its inputs, by name.
      stage: stages the episodes.
      account: provenance of the dataset besides seed and code.
      by_hand: see `RunDatasets.spec`.
      units: returns the number of episodes; None if it is not known.
    """

    def work(key: str) -> dict[str, str]:
        spec = run.datasets.spec(name, by_hand)
        with StagingWriter(run.datasets.staging(name, key), spec) as writer:
            if run.beam:
                run.beam.adopt(writer)
            stage(writer)
        made_by = {"stage": STAGE_OF[name]} | (account or {})
        return {name: run.datasets.publish(name, key, made_by, spec)}

    is_new = run.do(
        STAGE_OF[name],
        parameters,
        inputs,
        {name: lambda: run.datasets.collected_fingerprint(name)},
        work,
        lambda folder: [location.resolve(folder.datasets / name)],
        units,
    )
    if is_new:
        path = run.datasets.path(name)
        count = sum(map(sum, location.read_info(path)["splits"].values()))
        print(f"{count} episodes in {path}")


def stage_all(
    run: Run, shards: Sequence[EpisodeShard], writer: StagingWriter, title: str
):
    """Play and stage the shards that are not staged yet, with a progress bar."""
    total = sum(len(shard.requests) for shard in shards)
    with progress(total=total, desc=title, unit="episode") as bar:
        for _ in play(run, shards, writer, bar):
            pass


def play(
    run: Run, shards: Sequence[EpisodeShard], writer: StagingWriter, bar: tqdm.tqdm
) -> Iterator[tuple[EpisodeShard, frozenset[str]]]:
    """Play and stage the shards that are not staged yet.

    Args:
      run: processes of this machine play in order, Beam in any order.
      shards: shards of one kind of actor.
      writer: stages the episodes.
      bar: progress bar, moved by the episodes of all shards.

    Yields:
      Each newly staged shard, with the ids of its episodes.
    """
    there = writer.episode_ids
    todo = [s for s in shards if not there.issuperset(s.episode_ids)]
    count = sum(len(shard.requests) for shard in shards)
    bar.update(count - sum(len(shard.requests) for shard in todo))
    for shard, names in _played(run, todo, writer):
        bar.update(len(shard.requests))
        yield shard, names


def _played(
    run: Run, shards: Sequence[EpisodeShard], writer: StagingWriter
) -> Iterator[tuple[EpisodeShard, frozenset[str]]]:
    if not shards:
        return
    # Workers, which import the world too, could not say what is wrong.
    run.suite.world.check()
    if run.beam:
        yield from run.beam.play(shards, writer)
        return
    if not run.workers:
        for shard in shards:
            episodes = shard.play()
            writer.append(episodes)
            yield shard, frozenset(episode.id for episode in episodes)
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
