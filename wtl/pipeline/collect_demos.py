"""Stage 1: scripted demonstrations of training, validation and test tasks."""

import collections

import tqdm
from absl import logging

from collection import demonstration, workers
from datasets import episode as episodes
from datasets import fields
from datasets.staging import StagingWriter
from wtl.envs import seeding
from wtl.envs import suite as suites
from wtl.errors import UserError
from wtl.pipeline.run import Run

NAME = fields.WTL_DEMOS


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

    def work(key: str) -> dict[str, str]:
        requests = _requests(run, noise, held_out_scenes)
        with StagingWriter(run.staging(NAME, key), run.spec) as writer:
            _collect(run, requests, writer, min_success)
        account = {"stage": "collect_demos", "noise": noise}
        return {NAME: run.publish(NAME, key, account)}

    run.do(
        "collect_demos",
        {"noise": noise, "held_out_scenes": held_out_scenes},
        {},
        {NAME: lambda: run.dataset_fingerprint(NAME)},
        work,
    )


def _requests(run: Run, noise: float, held_out_scenes: int):
    result = []
    for split in suites.SPLITS:
        scenes = None if split == suites.TRAIN else held_out_scenes
        for task in run.suite.tasks(split):
            setups = run.suite.demonstration_setups(task, scenes)
            for i, setup in enumerate(setups):
                seed = seeding.derive_seed(run.seed, NAME, task.task_id, i)
                result.append(
                    demonstration.DemonstrationRequest(
                        setup,
                        episodes.episode_id(NAME, task.task_id, "demo", i, seed),
                        seed,
                        noise,
                        str(task.rule or ""),
                        run.pixels,
                        run.wrist,
                    )
                )
    return result


def _collect(run: Run, requests, writer: StagingWriter, min_success: float):
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
                "collect_demos.noise or mend the demonstrator"
            )
