"""Stage 3: trials of the trial policy on training tasks, each with its success."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tqdm

from wtl.collection import trial
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import sampler as samplers
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import rollouts, teleoperated
from wtl.pipeline.run import Run, newest
from wtl.pipeline.train import require_policy
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

NAME = fields.WTL_TRIALS
BATCH = 500  # trials played in lockstep, and made durable at once


def collect_trials(
    run: Run,
    sources: Sequence[str] = ("mil", "bc"),
    contexts_per_method: int = 3000,
    trials_per_context: int = 1,
    greedy_share: float = 0.5,
    teleop: bool = False,
):
    """Collects `wtl_trials`.

    Args:
      run: the run.
      sources: methods whose policies make trials; without any there is nothing to do.
      contexts_per_method: pairs of a demonstration and another scene of its task.
      trials_per_context: trials for each pair.
      greedy_share: share of trials that go for the likeliest target; the others
        sample it.
      teleop: takes the trials and retrials that `wtl teleop` has kept in this run,
        too.
    """
    if not sources and not teleop:
        return
    inputs = {fields.WTL_DEMOS: run.dataset_fingerprint(fields.WTL_DEMOS)}
    inputs |= {source: require_policy(run, source) for source in sources}
    if teleop:
        inputs["teleop"] = teleoperated.fingerprint(run)
    run.require(fields.WTL_DEMOS)
    if any(METHODS[source].config.human for source in sources):
        name = fields.WTL_HUMAN_VIDEOS
        run.require(name)
        inputs[name] = run.dataset_fingerprint(name)

    def work(key: str) -> dict[str, str]:
        total = contexts_per_method * trials_per_context * len(sources)
        spec = run.spec_of(NAME, by_hand=teleop)
        with (
            StagingWriter(run.staging(NAME, key), spec) as writer,
            tqdm.tqdm(total=total, desc="trials", unit="episode") as bar,
        ):
            if teleop:
                by_hand = (fields.ROLE_TRIAL, fields.ROLE_RETRIAL)
                writer.append(teleoperated.kept(run, by_hand))
            if run.beam:
                run.beam.adopt(writer)
            shards = [
                shard
                for source in sources
                for shard in _shards(
                    run, source, contexts_per_method, trials_per_context, greedy_share
                )
            ]
            there = writer.episode_ids
            todo = [s for s in shards if not there.issuperset(s.episode_ids)]
            bar.update(total - sum(len(shard.trials) for shard in todo))
            for played in rollouts.staged(run, todo, writer):
                bar.update(len(played.trials))
        account = {"stage": "collect_trials", "parents": inputs}
        return {NAME: run.publish(NAME, key, account, spec)}

    run.do(
        "collect_trials",
        {
            "sources": list(sources),
            "contexts_per_method": contexts_per_method,
            "trials_per_context": trials_per_context,
            "greedy_share": greedy_share,
        },
        inputs,
        {NAME: lambda: run.collected_fingerprint(NAME)},
        work,
        newest(NAME),
    )


def _shards(
    run: Run, method: str, count: int, trials_per_context: int, greedy_share: float
) -> list[trial.TrialShard]:
    """The trials that a policy makes, in parts that are played together."""
    human = METHODS[method].config.human
    source = trial.TrialSource(
        config=config_for(method, run.suite),
        policy_dir=(
            run.folder.policies / METHODS[method].folder / "saved_model"
        ).absolute(),
        demos_dir=run.require(fields.WTL_DEMOS).absolute(),
        videos_dir=run.require(fields.WTL_HUMAN_VIDEOS).absolute() if human else None,
        pixels=run.pixels,
        wrist=run.wrist,
    )
    demos, _ = source.read()
    trials = _plan(run, demos, method, count, trials_per_context, greedy_share)
    return [
        trial.TrialShard(source, tuple(trials[start : start + BATCH]))
        for start in range(0, len(trials), BATCH)
    ]


def _plan(
    run: Run,
    demos: EpisodeStore,
    source: str,
    count: int,
    trials_per_context: int,
    greedy_share: float,
) -> list[trial.Trial]:
    """Draws pairs of a demonstration and another demonstrated scene of its task."""
    index = samplers.DemoIndex(demos, run.suite.layout)
    tasks = {task.task_id: task for task in run.suite.tasks(suites.TRAIN)}
    seeds = {}
    for row, (task, scene) in enumerate(
        zip(index.task.tolist(), index.scene.tolist(), strict=True)
    ):
        seeds[task, scene] = int(demos[fields.SCENE_SEED][row])
    several = np.flatnonzero(index.scenes_in[index.task] > 1)
    rng = seeding.generator(run.seed, NAME, source)
    plans = []
    for i in range(count):
        # Every demonstration once before any is used again.
        if i % len(several) == 0:
            order = rng.permutation(several)
        row = int(order[i % len(several)])
        number = int(index.task[row])
        shift = 1 + int(rng.integers(index.scenes_in[number] - 1))
        scene = int(index.scene[row] + shift) % int(index.scenes_in[number])
        task = tasks[demos[fields.TASK_ID][row]]
        setup = _by_identity(task, demos, row, seeds[number, scene])
        for j in range(trials_per_context):
            seed = seeding.derive_seed(run.seed, NAME, source, i, j)
            plans.append(
                trial.Trial(
                    demo=row,
                    setup=dataclasses.replace(setup, attempt=f"trial {j}"),
                    episode_id=episodes.episode_id(
                        NAME, task.task_id, "trial", i * trials_per_context + j, seed
                    ),
                    seed=seed,
                    greedy=bool(rng.random() < greedy_share),
                    index=j,
                )
            )
    return plans


def _by_identity(task, demos: EpisodeStore, row: int, scene_seed: int):
    """The setup whose target is the entity that the demonstration acted on.

    The success stored with a trial is for this reading of the demonstration; what the
    trial achieved is stored too, so that it can be told for every other.
    """
    return environment.Setup(task, scene_seed, shown_index(task, demos, row))


def shown_index(task, demos: EpisodeStore, row: int) -> int:
    """Canonical index of the object or button that a demonstration acted on."""
    shown = task.object_set.scene(int(demos[fields.SCENE_SEED][row]))
    slot = int(demos[fields.HIDDEN_TARGET][row])
    size = task.object_set.size
    slots = shown.object_slots if slot < size else shown.button_slots
    return int(slots[slot % size])
