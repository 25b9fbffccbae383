"""What is demonstrated in a run, by whichever body, and the playing of it."""

import collections
import dataclasses
import itertools
from collections.abc import Container, Iterator, Sequence

import tqdm
from absl import logging

from wtl.collection import demonstration, vector_environment
from wtl.collection.shard import demonstration_shards
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.tabletop.embodiment import Embodiment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.run import Run

_SHARD = 64  # demonstrations that a Beam worker makes durable at once


def requests(
    run: Run, noise: float, held_out_scenes: int
) -> list[demonstration.DemonstrationRequest]:
    """Every demonstration of the robot, whoever makes it.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
    """
    return _requests(
        run, fields.WTL_DEMOS, Embodiment.GRIPPER, noise, None, held_out_scenes
    )


def video_requests(
    run: Run, scenes_per_task: int, held_out_scenes: int
) -> list[demonstration.DemonstrationRequest]:
    """Every video of a human.

    Args:
      run: the run.
      scenes_per_task: scenes of each training task, the first of the robot's.
      held_out_scenes: videos of each validation and test task.
    """
    return _requests(
        run,
        fields.WTL_HUMAN_VIDEOS,
        Embodiment.HAND,
        0.0,  # a human brings noise of its own
        scenes_per_task,
        held_out_scenes,
    )


def _requests(
    run: Run,
    dataset: str,
    embodiment: Embodiment,
    noise: float,
    train_scenes: int | None,
    held_out_scenes: int,
):
    result = []
    for split in suites.SPLITS:
        scenes = train_scenes if split == suites.TRAIN else held_out_scenes
        for task in run.suite.tasks(split):
            setups = run.suite.demonstration_setups(task, scenes)
            for i, setup in enumerate(setups):
                seed = seeding.derive_seed(run.seed, dataset, task.task_id, i)
                result.append(
                    demonstration.DemonstrationRequest(
                        dataclasses.replace(setup, embodiment=embodiment),
                        episodes.episode_id(dataset, task.task_id, "demo", i, seed),
                        seed,
                        noise,
                        str(task.rule or ""),
                        run.pixels,
                        run.wrist and embodiment is Embodiment.GRIPPER,
                    )
                )
    return result


def demonstrate(
    run: Run,
    wanted: Sequence[demonstration.DemonstrationRequest],
    writer: StagingWriter,
    min_success: float,
):
    """Plays and stages what is not staged yet.

    Args:
      run: the run.
      wanted: what is to be demonstrated.
      writer: where to.
      min_success: share of demonstrations of each family that must succeed.

    Raises:
      UserError: if the demonstrators fail more often than that.
    """
    if run.beam:
        run.beam.adopt(writer)
    todo = [r for r in wanted if r.episode_id not in writer.episode_ids]
    made, lost = collections.Counter(), collections.Counter()
    with tqdm.tqdm(
        total=len(wanted),
        initial=len(wanted) - len(todo),
        desc="demonstrations",
        unit="episode",
    ) as bar:
        for played, there in _staged(run, todo, writer):
            for request in played:
                counter = made if request.episode_id in there else lost
                counter[request.setup.task.family] += 1
            bar.update(len(played))
    for family, failed in lost.items():
        share = made[family] / (made[family] + failed)
        logging.info("%s: %d demonstrations failed", family, failed)
        if share < min_success:
            raise UserError(
                f"only {share:.0%} of the {family} demonstrations succeeded; lower "
                "the stage's min_success or collect_demos.noise, or mend the "
                "demonstrator"
            )


def _staged(
    run: Run,
    todo: Sequence[demonstration.DemonstrationRequest],
    writer: StagingWriter,
) -> Iterator[tuple[Sequence[demonstration.DemonstrationRequest], Container[str]]]:
    """Plays and stages, yielding what is through and the ids of what succeeded."""
    if run.beam:
        for shard, there in run.beam.play(demonstration_shards(todo, _SHARD), writer):
            yield shard.requests, there
        return
    left = iter(todo)
    for batch in vector_environment.demonstrate_all(todo, run.workers):
        made = [episode for episode, _ in batch if episode]
        writer.append(made)
        yield list(itertools.islice(left, len(batch))), {e.id for e in made}
