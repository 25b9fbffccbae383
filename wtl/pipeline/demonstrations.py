"""Requests of demonstrations, by scripted expert or simulated human, and their play."""

import collections
import dataclasses
from collections.abc import Sequence

from absl import logging

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.scripted_expert import CLEAN, ScriptedExpert
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import episodes
from wtl.pipeline.run import Run

_SHARD = 16  # demonstrations that a worker plays side by side


def requests(
    run: Run,
    held_out_scenes: int,
    scenes_per_task: int | None = None,
    dataset: str = fields.WTL_DEMOS,
) -> list[EpisodeRequest]:
    """Return the requests of all demonstrations of the robot, or all human videos.

    Args:
      run: the run.
      held_out_scenes: demonstrations of each validation and test task.
      scenes_per_task: demonstrations of each training task; None for all.
      dataset: name of the dataset that is collected.
    """
    is_human = dataset == fields.WTL_HUMAN_VIDEOS
    result = []
    for split in fields.SPLITS:
        scenes = scenes_per_task if split == fields.SPLIT_TRAIN else held_out_scenes
        for task in run.suite.tasks(split):
            for i, scene in enumerate(run.suite.demonstration_scenes(task, scenes)):
                seed = seeding.derive_seed(run.seed, dataset, task.task_id, i)
                result.append(
                    EpisodeRequest(
                        scene=scene.by_human() if is_human else scene,
                        episode_id=episode.episode_id(
                            dataset, task.task_id, fields.ROLE_DEMO, i, seed
                        ),
                        role=fields.ROLE_DEMO,
                        seed=seed,
                        rule=str(task.rule or ""),
                    )
                )
    return result


def demonstrate(
    run: Run,
    wanted: Sequence[EpisodeRequest],
    writer: StagingWriter,
    min_success: float,
    noise: float = 0.0,
    recorded: str = CLEAN,
):
    """Play and stage the demonstrations that are not staged yet.

    Args:
      run: the run.
      wanted: the demonstrations.
      writer: stages them.
      min_success: share of demonstrations of each family that must succeed.
      noise: standard deviation of the noise on executed actions.
      recorded: see `ScriptedExpert`.

    Raises:
      UserError: if the experts fail more often than that.
    """
    todo = [r for r in wanted if r.episode_id not in writer.episode_ids]
    camera = run.camera
    if wanted and wanted[0].scene.is_human:
        camera = dataclasses.replace(camera, wrist=False)
    expert = ScriptedExpert(noise, recorded=recorded)
    shards = episode_request.shards(expert, todo, _SHARD, camera)
    with progress(
        total=len(wanted),
        initial=len(wanted) - len(todo),
        desc="demonstrations",
        unit="episode",
    ) as bar:
        for _ in episodes.play(run, shards, writer, bar):
            pass
    # Of all that are wanted: an earlier run of the stage may have played most of them.
    staged = writer.episode_ids
    count = collections.Counter(r.scene.task.family for r in wanted)
    lost = collections.defaultdict(list)
    for request in wanted:
        if request.episode_id not in staged:
            lost[request.scene.task.family].append(request.scene)
    for family, failed in lost.items():
        share = 1 - len(failed) / count[family]
        logging.info("%s: %d demonstrations failed", family, len(failed))
        if share < min_success:
            scene = failed[0]
            lower = "collect_demos.noise or " if noise else ""
            raise UserError(
                f"only {share:.0%} of the {family} demonstrations succeeded, and not "
                f"that of task {scene.task.task_id}, scene seed {scene.scene_seed}; "
                f"lower {lower}the stage's min_success, such as "
                "collect_demos.min_success = 0.5, or correct the scripted expert "
                "and start with another run folder"
            )
