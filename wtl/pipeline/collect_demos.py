"""Stage 1: demonstrations of training, validation and test tasks, and human videos."""

import collections
import dataclasses

import tqdm
from absl import logging

from collection import demonstration, workers
from datasets import episode as episodes
from datasets import fields
from datasets.staging import StagingWriter
from wtl.envs import seeding
from wtl.envs import suite as suites
from wtl.envs.embodiment import Embodiment
from wtl.errors import UserError
from wtl.pipeline.run import Run


def collect_demos(
    run: Run, noise: float = 0.15, held_out_scenes: int = 4, min_success: float = 0.9
):
    """Collects `wtl_demos`.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
      min_success: share of demonstrations of each family that must succeed.

    Raises:
      UserError: if the demonstrators fail more often than that.
    """
    _collect(
        run,
        "collect_demos",
        fields.WTL_DEMOS,
        {"noise": noise, "held_out_scenes": held_out_scenes},
        lambda: _requests(run, fields.WTL_DEMOS, noise, None, held_out_scenes),
        min_success,
    )


def collect_human_videos(
    run: Run,
    scenes_per_task: int = 0,
    held_out_scenes: int = 4,
    min_success: float = 0.9,
):
    """Collects `wtl_human_videos`: a simulated human does what the robot did.

    The scenes and targets are those of the robot's demonstrations; body, timing, view,
    table and light are others. Without scenes there is nothing to do.

    Args:
      run: the run.
      scenes_per_task: scenes of each training task, the first of the robot's.
      held_out_scenes: videos of each validation and test task.
      min_success: share of videos of each family that must succeed.

    Raises:
      UserError: if there are more scenes than the robot has, or the human fails more
        often than that.
    """
    if not scenes_per_task:
        return
    if scenes_per_task > run.suite.scenes_per_task:
        raise UserError(
            f"collect_human_videos.scenes_per_task is {scenes_per_task}, but the "
            f"robot demonstrates in {run.suite.scenes_per_task} scenes "
            "(suite.scenes_per_task)"
        )
    name = fields.WTL_HUMAN_VIDEOS
    _collect(
        run,
        "collect_human_videos",
        name,
        {"scenes_per_task": scenes_per_task, "held_out_scenes": held_out_scenes},
        lambda: _requests(
            run, name, 0.0, scenes_per_task, held_out_scenes, Embodiment.HAND
        ),
        min_success,
    )


def _collect(run: Run, stage: str, name: str, parameters, requests, min_success):
    spec = run.spec_of(name)

    def work(key: str) -> dict[str, str]:
        with StagingWriter(run.staging(name, key), spec) as writer:
            _demonstrate(run, requests(), writer, min_success, stage)
        return {name: run.publish(name, key, {"stage": stage} | parameters)}

    run.do(stage, parameters, {}, {name: lambda: run.dataset_fingerprint(name)}, work)


def _requests(
    run: Run,
    name: str,
    noise: float,
    train_scenes: int | None,
    held_out_scenes: int,
    embodiment: Embodiment = Embodiment.GRIPPER,
):
    result = []
    for split in suites.SPLITS:
        scenes = train_scenes if split == suites.TRAIN else held_out_scenes
        for task in run.suite.tasks(split):
            setups = run.suite.demonstration_setups(task, scenes)
            for i, setup in enumerate(setups):
                seed = seeding.derive_seed(run.seed, name, task.task_id, i)
                result.append(
                    demonstration.DemonstrationRequest(
                        dataclasses.replace(setup, embodiment=embodiment),
                        episodes.episode_id(name, task.task_id, "demo", i, seed),
                        seed,
                        noise,
                        str(task.rule or ""),
                        run.pixels,
                    )
                )
    return result


def _demonstrate(
    run: Run, requests, writer: StagingWriter, min_success: float, stage: str
):
    todo = [r for r in requests if r.episode_id not in writer.episode_ids]
    made, lost = collections.Counter(), collections.Counter()
    with tqdm.tqdm(
        total=len(requests),
        initial=len(requests) - len(todo),
        desc="demonstrations",
        unit="episode",
    ) as bar:
        done = iter(todo)
        for batch in workers.demonstrate_all(todo, run.workers):
            writer.append([episode for episode, _ in batch if episode])
            for (episode, _), request in zip(batch, done, strict=False):
                counter = made if episode else lost
                counter[request.setup.task.family] += 1
            bar.update(len(batch))
    for family, failed in lost.items():
        share = made[family] / (made[family] + failed)
        logging.info("%s: %d demonstrations failed", family, failed)
        if share < min_success:
            raise UserError(
                f"only {share:.0%} of the {family} demonstrations succeeded; lower "
                f"{stage}.min_success or mend the demonstrator"
            )
