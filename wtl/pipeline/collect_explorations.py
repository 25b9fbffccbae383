"""Explorations: random actions, then a planner with a model of those before."""

import dataclasses
from collections.abc import Sequence

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.explorer import Explorer
from wtl.collection.policy_actor import PolicyActorSpec
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count
from wtl.datasets.reading.store import stack
from wtl.datasets.storage import staging
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import episodes, planning, run_folder
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies.planner.config import PlannerConfig
from wtl.training import foresight_training
from wtl.training.foresight_training import foresight_config
from wtl.training.train_config import TrainConfig

NAME = fields.WTL_EXPLORATIONS
BATCH = 32  # episodes played side by side, and staged together
EXPLORER = "model_based"  # method of the model, which does not adapt


def collect_explorations(run: Run, rounds: Sequence[Count] = (16, 16, 16, 16, 16)):
    """Collect `wtl_explorations` on training tasks.

    The model and the planner are configured under the scope of the stage, as in
    `collect_explorations/TrainConfig.steps = 2000`; see `wtl.pipeline.bindings`.

    Args:
      run: the run.
      rounds: episodes of each round. In the first, actions are random; in each other
        one, a planner acts whose model was trained on all episodes before.

    Raises:
      UserError: if there is no round or task, or the reward of the world does not fit.
    """
    run.require_tasks("collect_explorations", fields.SPLIT_TRAIN)
    if not rounds:
        raise UserError("collect_explorations.rounds is empty: give one or more")
    planning.require("collect_explorations", run)
    training = bound(TrainConfig(), "collect_explorations")
    planner = bound(PlannerConfig(), "collect_explorations")
    config = bound(foresight_config(EXPLORER, run.suite), "collect_explorations")
    planned = _plan(run, sum(rounds))

    def stage(writer: StagingWriter):
        first = 0
        for number, count in enumerate(rounds):
            requests = planned[first : first + count]
            there = writer.episode_ids
            actor = Explorer()
            if number and not there.issuperset(r.episode_id for r in requests):
                before = [request.episode_id for request in planned[:first]]
                actor = _explorer(
                    *(run, number, before, writer, config, training, planner)
                )
            shards = episode_request.shards(actor, requests, BATCH)
            episodes.stage_all(run, shards, writer, f"explorations {number}")
            first += count

    episodes.collect(
        run,
        NAME,
        {
            "rounds": list(rounds),
            "training": dataclasses.asdict(training),
            "planner": dataclasses.asdict(planner),
            "config": dataclasses.asdict(config),
        },
        {},
        stage,
    )


def _plan(run: Run, count: int) -> list[EpisodeRequest]:
    """Return requests of `count` episodes of the training tasks in turn."""
    tasks = run.suite.tasks(fields.SPLIT_TRAIN)
    planned = []
    for i in range(count):
        task, repeat = tasks[i % len(tasks)], i // len(tasks)
        seed = seeding.derive_seed(run.seed, NAME, i)
        planned.append(
            EpisodeRequest(
                scene=task.scene(run.suite.scene_seed(task, "exploration", repeat)),
                episode_id=episode.episode_id(
                    NAME, task.task_id, fields.ROLE_TRIAL, repeat, seed
                ),
                role=fields.ROLE_TRIAL,
                seed=seed,
            )
        )
    return planned


def _explorer(run: Run, number: int, before, writer, config, training, planner):
    """Train the planner of a round on the episodes before; return its actor."""
    order = {name: place for place, name in enumerate(before)}
    found = list(staging.iterate_staged(writer.directory, order))
    store = stack(sorted(found, key=lambda e: order[e.id]))
    name = f"explorer_{number}"
    key = run_folder.key(staged=writer.directory.name, round=number)
    directory = run.folder.claim_policy(name, key)
    network = foresight_training.train(
        name,
        config,
        store,
        {task.task_id: task for task in run.suite.tasks(fields.SPLIT_TRAIN)},
        training,
        seed=seeding.derive_seed(run.seed, NAME, "training", number),
        directory=directory,
        log_dir=run.folder.logs / name,
    )
    trained = foresight_training.save(network, run.suite.world, planner, directory)
    run.folder.record_policy(name, trained, key)
    return actor_spec(run, name, config, fields.SPLIT_TRAIN)


def actor_spec(run: Run, name: str, config, split: str) -> PolicyActorSpec:
    """Return the spec of the actor of a saved planner, which is given no episodes."""
    return PolicyActorSpec(
        config=config,
        policy_dir=run.saved_policy(name),
        policy_id=run.folder.policy_id(name),
        split=split,
        demos_dir=run.folder.datasets.absolute(),
    )
