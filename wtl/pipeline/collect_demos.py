"""Stage 1: demonstrations of training, validation and test tasks."""

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
from wtl.pipeline import teleoperated
from wtl.pipeline.run import Run

NAME = fields.WTL_DEMOS


def collect_demos(
    run: Run,
    noise: float = 0.15,
    held_out_scenes: int = 4,
    min_success: float = 0.9,
    teleop: bool = False,
):
    """Collects `wtl_demos`.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
      min_success: share of demonstrations of each family that must succeed.
      teleop: takes the demonstrations that `wtl teleop` has kept in this run; what
        nobody has demonstrated is scripted.

    Raises:
      UserError: if the demonstrators fail more often than that.
    """
    inputs = {"teleop": teleoperated.fingerprint(run)} if teleop else {}

    def work(key: str) -> dict[str, str]:
        todo = requests(run, noise, held_out_scenes)
        spec = run.teleop_spec if teleop else run.spec
        with StagingWriter(run.staging(NAME, key), spec) as writer:
            if teleop:
                _adopt(run, todo, writer)
            _collect(run, todo, writer, min_success)
        account = {"stage": "collect_demos", "noise": noise} | inputs
        return {NAME: run.publish(NAME, key, account, spec)}

    run.do(
        "collect_demos",
        {"noise": noise, "held_out_scenes": held_out_scenes},
        inputs,
        {NAME: lambda: run.dataset_fingerprint(NAME)},
        work,
    )


def requests(
    run: Run, noise: float, held_out_scenes: int
) -> list[demonstration.DemonstrationRequest]:
    """Every demonstration of a run, whoever makes it; arguments as above."""
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
                    )
                )
    return result


def _adopt(run: Run, todo, writer: StagingWriter):
    """Stages what people have demonstrated."""
    wanted = {request.episode_id for request in todo}
    kept = [episode for episode in teleoperated.kept(run) if episode.id in wanted]
    writer.append(kept)
    print(f"{len(kept)} of {len(wanted)} demonstrations are teleoperated")


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
            made_now = [episode for episode, _ in batch if episode]
            if writer.spec.interventions:
                made_now = [episode.unassisted() for episode in made_now]
            writer.append(made_now)
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
