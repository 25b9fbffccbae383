"""Stage 3: trials of the trial policy on training tasks, each with its success."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.policy_actor import PolicyActorSpec
from wtl.collection.worlds.world import Task
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count, Share
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import video_pairs
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import choices, episodes, teleoperated
from wtl.pipeline.run import Run
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

NAME = fields.WTL_TRIALS
BATCH = 500  # trials played side by side, and staged together


def collect_trials(
    run: Run,
    sources: Sequence[str] = ("mil", "bc"),
    contexts_per_method: Count = 3000,
    trials_per_context: Count = 1,
    greedy_share: Share = 0.5,
    teleop: bool = False,
):
    """Collect `wtl_trials`.

    Args:
      run: the run.
      sources: methods whose policies make trials; without any the stage does nothing.
      contexts_per_method: pairs of a demonstration and another scene of its task.
      trials_per_context: trials for each pair.
      greedy_share: share of trials that select the likeliest target; the others
        sample it.
      teleop: whether trials and retrials kept by `wtl teleop` in this run are added.

    Raises:
      UserError: if a source is not a method with a policy.
    """
    run.require_capability("make_env", "collect_trials")
    if not sources and not teleop:
        return
    records = choices.trained_methods("collect_trials.sources", sources)
    human = any(record.config.human for record in records)
    given = (fields.WTL_DEMOS, *([fields.WTL_HUMAN_VIDEOS] if human else []))
    inputs = run.inputs(*given, *sources)
    for name in given:
        run.datasets.require(name)
    if teleop:
        inputs["teleop"] = teleoperated.fingerprint(run)

    def stage(writer: StagingWriter):
        if teleop:
            by_hand = (fields.ROLE_TRIAL, fields.ROLE_RETRIAL)
            writer.append(teleoperated.saved(run, by_hand))
        shards = []
        for source in sources:
            actor = actor_spec(run, source, fields.SPLIT_TRAIN)
            planned = _plan(
                run, source, contexts_per_method, trials_per_context, greedy_share
            )
            shards += episode_request.shards(actor, planned, BATCH, run.camera)
        episodes.stage_all(run, shards, writer, "trials")

    episodes.collect(
        run,
        NAME,
        {
            "sources": list(sources),
            "contexts_per_method": contexts_per_method,
            "trials_per_context": trials_per_context,
            "greedy_share": greedy_share,
        }
        | run.trial_task_parameters,
        inputs,
        stage,
        {"parents": inputs},
        by_hand=teleop,
        units=lambda: len(sources) * contexts_per_method * trials_per_context,
    )


def actor_spec(
    run: Run, method: str, split: str, trials_dir: pathlib.Path | None = None
) -> PolicyActorSpec:
    """Return the spec of the actor of a trained policy.

    Args:
      run: the run.
      method: name of the method.
      split: split of the episodes that it is given.
      trials_dir: folder of the trials, see `PolicyActorSpec`.
    """
    human = METHODS[method].config.human
    given = fields.WTL_HUMAN_VIDEOS if human else fields.WTL_DEMOS
    return PolicyActorSpec(
        config=config_for(method, run.suite),
        policy_dir=run.saved_policy(method),
        policy_id=run.folder.policy_id(method),
        split=split,
        demos_dir=run.datasets.require(given).absolute(),
        human=human,
        trials_dir=trials_dir and trials_dir.absolute(),
        images=run.images,
    )


def _given(run: Run, method: str) -> tuple[EpisodeStore, list[str]]:
    """Training demonstrations, and the id of the episode given in place of each."""
    demos = run.datasets.read(fields.WTL_DEMOS, fields.SPLIT_TRAIN)
    if not METHODS[method].config.human:
        return demos, demos[fields.EPISODE_ID].tolist()
    videos = run.datasets.read(fields.WTL_HUMAN_VIDEOS, fields.SPLIT_TRAIN)
    rows = video_pairs.paired_rows(demos, videos)
    names = videos[fields.EPISODE_ID][rows[rows >= 0]].tolist()
    return demos.select(rows >= 0), names


def _plan(
    run: Run, method: str, count: int, trials_per_context: int, greedy_share: float
) -> list[EpisodeRequest]:
    """Draw pairs of a demonstration and another demonstrated scene of its task."""
    demos, given = _given(run, method)
    kept = run.trial_tasks()
    if kept:
        rows = np.flatnonzero(np.isin(demos[fields.TASK_ID], sorted(kept)))
        demos, given = demos.select(rows), [given[row] for row in rows]
    index = run.suite.world.relabel(demos, run.suite.layout).index
    tasks = {task.task_id: task for task in run.suite.tasks(fields.SPLIT_TRAIN)}
    seeds = {}
    for row, (task, scene) in enumerate(
        zip(index.task.tolist(), index.scene.tolist(), strict=True)
    ):
        seeds[task, scene] = int(demos[fields.SCENE_SEED][row])
    several = np.flatnonzero(index.scenes_in[index.task] > 1)
    if not len(several):
        raise UserError(
            "collect_trials needs a task that is demonstrated in two scenes or more; "
            "raise suite.scenes_per_task, or record more"
        )
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
        # The stored success is for the reading by identity; what was achieved is stored
        # too, from which success under other rules follows.
        shown = demonstrated_target(task, demos, row)
        scene_config = task.scene_of(seeds[number, scene], shown)
        for j in range(trials_per_context):
            seed = seeding.derive_seed(run.seed, NAME, method, i, j)
            greedy = rng.random() < greedy_share
            plans.append(
                EpisodeRequest(
                    scene=dataclasses.replace(scene_config, attempt=f"trial {j}"),
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
    # A shard holds few tasks, so that few models are compiled and drawn at a time.
    return sorted(plans, key=lambda plan: plan.scene.task.task_id)


def demonstrated_target(task: Task, demos: EpisodeStore, row: int) -> int:
    """Return the canonical index of the entity that a demonstration acted on."""
    seed = int(demos[fields.SCENE_SEED][row])
    return task.target_at(seed, demos[fields.HIDDEN_TARGET][row])
