"""Stage 3: trials of the trial policy on training tasks, each with its success."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import tqdm

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.policy_actor import PolicyActorSpec
from wtl.collection.worlds.entities import environment, relabel
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import video_pairs
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import episodes, teleoperated
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
                writer.append(teleoperated.saved(run, by_hand))
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
            bar.update(total - sum(len(shard.requests) for shard in todo))
            for shard, _ in episodes.staged(run, todo, writer):
                bar.update(len(shard.requests))
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
) -> list[EpisodeShard]:
    """Trials of a policy, in shards that are played together."""
    actor = actor_spec(run, method, fields.SPLIT_TRAIN)
    requests = _plan(run, method, count, trials_per_context, greedy_share)
    return episode_request.shards(actor, requests, BATCH, run.camera)


def actor_spec(
    run: Run, method: str, split: str, trials_dir: pathlib.Path | None = None
) -> PolicyActorSpec:
    """A trained policy of a run, given what its method is given.

    Args:
      run: the run.
      method: of the policy.
      split: of the episodes that it is given.
      trials_dir: folder of the trials, see `PolicyActorSpec`.
    """
    human = METHODS[method].config.human
    given = fields.WTL_HUMAN_VIDEOS if human else fields.WTL_DEMOS
    return PolicyActorSpec(
        config=config_for(method, run.suite),
        policy_dir=run.saved_policy(method),
        split=split,
        demos_dir=run.require(given).absolute(),
        human=human,
        trials_dir=trials_dir and trials_dir.absolute(),
        camera=run.camera,
    )


def _given(run: Run, method: str) -> tuple[EpisodeStore, list[str]]:
    """Training demonstrations, and the id of what is given in place of each."""
    demos = run.read(fields.WTL_DEMOS, fields.SPLIT_TRAIN)
    if not METHODS[method].config.human:
        return demos, demos[fields.EPISODE_ID].tolist()
    videos = run.read(fields.WTL_HUMAN_VIDEOS, fields.SPLIT_TRAIN)
    rows = video_pairs.paired_rows(demos, videos)
    names = videos[fields.EPISODE_ID][rows[rows >= 0]].tolist()
    return demos.select(rows >= 0), names


def _plan(
    run: Run, method: str, count: int, trials_per_context: int, greedy_share: float
) -> list[EpisodeRequest]:
    """Draw pairs of a demonstration and another demonstrated scene of its task."""
    demos, given = _given(run, method)
    index = relabel.EntityRelabeller(demos, run.suite.layout).index
    tasks = {task.task_id: task for task in run.suite.tasks(suites.TRAIN)}
    seeds = {}
    for row, (task, scene) in enumerate(
        zip(index.task.tolist(), index.scene.tolist(), strict=True)
    ):
        seeds[task, scene] = int(demos[fields.SCENE_SEED][row])
    several = np.flatnonzero(index.scenes_in[index.task] > 1)
    rng = seeding.generator(run.seed, NAME, method)
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
            seed = seeding.derive_seed(run.seed, NAME, method, i, j)
            greedy = rng.random() < greedy_share
            plans.append(
                EpisodeRequest(
                    scene=dataclasses.replace(setup, attempt=f"trial {j}"),
                    episode_id=episode.episode_id(
                        NAME,
                        task.task_id,
                        fields.ROLE_TRIAL,
                        i * trials_per_context + j,
                        seed,
                    ),
                    role=fields.ROLE_TRIAL,
                    choice_seed=None if greedy else seeding.derive_seed(seed, "target"),
                    demo_ids=(given[row],),
                    trial_index=j,
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
    kind, slot = divmod(int(demos[fields.HIDDEN_TARGET][row]), task.object_set.size)
    return int(shown.slots(kind)[slot])
