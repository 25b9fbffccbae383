"""Adaptation within an episode: models of the next state, trained and measured."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from wtl.collection import episode_request
from wtl.collection.episode_request import ActorSpec, EpisodeRequest, EpisodeShard
from wtl.collection.simulator_planner import BOUNDS, SimulatorPlanner
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.limits import Count
from wtl.datasets.contract.progress import progress
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import staging
from wtl.evaluation import adaptation, fault_film, figures, reports
from wtl.evaluation.adaptation import AdaptationRow
from wtl.evaluation.rollout_row import write_csv
from wtl.evaluation.scenario import Scenario, scenarios
from wtl.pipeline import (
    choices,
    collect_explorations,
    episodes,
    neighbours,
    planning,
    run_folder,
)
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies import checkpoints
from wtl.policies.foresight.config import ANOTHER_TASK, ForesightConfig
from wtl.policies.foresight.network import Foresight
from wtl.policies.methods import METHODS
from wtl.policies.planner.config import PlannerConfig
from wtl.training import foresight_training, slices
from wtl.training.train_config import TrainConfig

NAME = fields.WTL_EVALUATIONS
BATCH = 25  # rollouts played side by side, and staged together
REFERENCE = "model_based"


def adapt(
    run: Run,
    methods: Sequence[str] | None = None,
    split: str = fields.SPLIT_TEST,
    scenes_per_task: Count = 1,
    bounds: bool = False,
):
    """Train models on `wtl_explorations`, and plan with them on held-out tasks.

    Training and planner are configured under the scope of the stage, models under that
    of their method, as in `adapt/TrainConfig.steps = 6000` and
    `grbal/ForesightConfig.alpha = 0.01`; see `wtl.pipeline.bindings`. Results go to
    `RUN/adaptation/`, of `val` to `RUN/adaptation/val/`. Rerun the command to resume.

    Args:
      run: the run.
      methods: names of methods with a model of the next state; None for all. The one
        without adaptation, to which the others are compared, is always among them.
      split: `val` for choices, `test` once at the end.
      scenes_per_task: scenes of each held-out task.
      bounds: whether planners that rehearse in the simulator are played too, with the
        fault (`simulator`) and without it (`simulator_without_fault`): what perfect
        models achieve that adapt, or do not.

    Raises:
      UserError: if an argument is invalid, or there are no explorations.
    """
    known = [m.name for m in METHODS.values() if isinstance(m.config, ForesightConfig)]
    choices.check("adapt.methods", methods or (), known)
    choices.check("adapt.split", [split], (fields.SPLIT_VAL, fields.SPLIT_TEST))
    run.require_tasks("adapt", fields.SPLIT_TRAIN, split)
    if bounds:
        run.require_capability("rehearse", "adapt.bounds")
    planning.require("adapt", run)
    batch = min(BATCH, run.suite.world.side_by_side or BATCH)
    planned = scenarios(run.suite, split, scenes_per_task)
    planned.sort(key=lambda scenario: scenario.index)
    planned = neighbours.arranged(planned, batch)
    chosen = [n for n in known if methods is None or n in (REFERENCE, *methods)]
    configs = {
        name: planning.configured(name, run.suite)
        for name in dict.fromkeys(
            n for c in chosen for n in (METHODS[c].config.trained_as or c, c)
        )
    }
    training = bound(TrainConfig(), "adapt")
    planner = bound(PlannerConfig(), "adapt")
    for name in chosen:
        if configs[name].window_of == ANOTHER_TASK:
            neighbours.require_another_task(name, planned, batch)
    run.datasets.require(fields.WTL_EXPLORATIONS)
    for name, config in configs.items():
        _train(run, name, config, training, planner)
    name = run.folder.results("adaptation", split)
    folder = run.folder.path / name
    stage = "adapt" if split == fields.SPLIT_TEST else f"adapt_{split}"
    settings = {
        "split": split,
        "scenes_per_task": scenes_per_task,
        "planner": dataclasses.asdict(planner),
    }
    inputs = run.inputs(fields.WTL_EXPLORATIONS, *chosen)

    def work(key: str) -> dict[str, Any]:
        made_from = {"settings": run.key(stage, settings, {}), **inputs}
        made_from |= dict.fromkeys(BOUNDS if bounds else (), "")
        run.datasets.continue_staging(key, made_from)
        actors: dict[str, ActorSpec] = {
            method: collect_explorations.actor_spec(run, method, configs[method], split)
            for method in chosen
        }
        for bound_name, with_fault in BOUNDS.items() if bounds else ():
            actors[bound_name] = SimulatorPlanner(planner, with_fault)
        played = _play(run, key, actors, planned, split)
        rows = [
            row
            for method, store in played.items()
            for row in _rows(run, method, store, planned)
        ]
        measured = {
            n: _measured(run, n, configs[n], played, planned, batch) for n in chosen
        }
        errors = {name: found[0] for name, found in measured.items()}
        sizes = {name: found[1] for name, found in measured.items()}
        about = {
            "world": run.suite.world.name,
            "world_version": run.suite.world.version,
            "split": split,
            "tasks": len({s.task.task_id for s in planned}),
            "scenes_per_task": scenes_per_task,
            "seed": run.seed,
            "training_seeds": [run.seed],
            "planner": dataclasses.asdict(planner),
            "models": {n: planning.model_settings(configs[n]) for n in chosen},
            "reference": REFERENCE,
        }
        results = adaptation.results(rows, errors, sizes, about)
        write_csv(rows, folder / "episodes.csv", AdaptationRow)
        run.folder.write(f"{name}/figure.svg", figures.adaptation(results))
        world = run.suite.world
        reports.write_adaptation(
            folder / "report.html",
            results,
            fault_film.films(rows, played, run.suite.layout, world.spec.control_hz),
            {"seed": run.seed, **run_folder.origin()},
        )
        return results

    results = run.do_results(
        stage,
        settings | {"methods": chosen} | ({"bounds": bounds} if bounds else {}),
        inputs,
        f"{name}/results.json",
        work,
    )
    print(adaptation.format_table(results))
    print(f"\nReport: {folder / 'report.html'}")


def _train(run: Run, name: str, config, training: TrainConfig, planner: PlannerConfig):
    """Train a model, or take the weights of another, and save its policy."""
    source, stage = config.trained_as, f"train_{name}"
    of_weights = {
        "config": dataclasses.asdict(config),
        "training": dataclasses.asdict(training),
    }
    inputs = run.inputs(source or fields.WTL_EXPLORATIONS)

    def work(key: str) -> dict[str, str]:
        # Without the planner, so that tuning it trains no model again.
        weights_key = run.key(stage, of_weights, inputs)
        directory = run.folder.claim_policy(name, weights_key)
        if source:
            network = _restored(run, source, config)
        else:
            network = foresight_training.train(
                name,
                config,
                run.datasets.read(fields.WTL_EXPLORATIONS, fields.SPLIT_TRAIN),
                _tasks(run, fields.SPLIT_TRAIN),
                training,
                seed=seeding.derive_seed(run.seed, "adapt", name),
                directory=directory,
                log_dir=run.folder.logs / name,
            )
        saved = foresight_training.save(network, run.suite.world, planner, directory)
        run.folder.record_policy(name, saved, key)
        return {name: saved}

    run.do(
        stage,
        of_weights | {"planner": dataclasses.asdict(planner)},
        inputs,
        {name: lambda: run.folder.policy_id(name)},
        work,
    )


def _restored(run: Run, name: str, config: ForesightConfig) -> Foresight:
    """Return a model of a configuration with the weights of a trained one."""
    network = Foresight(config)
    directory = checkpoints.literal(run.folder.policies / name / "checkpoints")
    path = tf.train.latest_checkpoint(directory)
    tf.train.Checkpoint(network=network).restore(path).expect_partial()
    return network


def _tasks(run: Run, split: str) -> dict[str, Any]:
    return {task.task_id: task for task in run.suite.tasks(split)}


def _play(
    run: Run,
    key: str,
    actors: Mapping[str, ActorSpec],
    planned: Sequence[Scenario],
    split: str,
) -> dict[str, EpisodeStore]:
    """Play every scenario by every method; publish the episodes and return them."""
    requests = {name: _requests(run, name, planned) for name in actors}
    with (
        staging.StagingWriter(
            run.datasets.staging(NAME, key), run.datasets.spec(NAME)
        ) as writer,
        progress(
            total=len(actors) * len(planned), desc="adaptation", unit="episode"
        ) as bar,
    ):
        if run.beam:
            run.beam.adopt(writer)
        for name, actor in actors.items():
            shards: list[EpisodeShard] = episode_request.shards(
                actor, requests[name], BATCH
            )
            for _ in episodes.play(run, shards, writer, bar):
                pass
    run.datasets.publish(NAME, key, {"stage": "adapt", "split": split})
    published = run.datasets.read(NAME, split)
    return {
        name: published.select(published.rows([r.episode_id for r in of_method]))
        for name, of_method in requests.items()
    }


def _requests(
    run: Run, method: str, planned: Sequence[Scenario]
) -> list[EpisodeRequest]:
    return [
        EpisodeRequest(
            scene=scenario.task.scene(scenario.scene_seed),
            episode_id=episode.episode_id(
                NAME,
                scenario.task.task_id,
                fields.ROLE_EVAL,
                scenario.index,
                seeding.derive_seed(run.seed, "adapt", method, scenario.scene_seed),
            ),
            role=fields.ROLE_EVAL,
        )
        for scenario in planned
    ]


def _rows(
    run: Run, method: str, store: EpisodeStore, planned: Sequence[Scenario]
) -> list[AdaptationRow]:
    state, action = store.state, store.action
    # Of the last step too, whose stored reward is the success.
    reward = run.suite.world.reward(state[:, :-1], action[:, :-1], state[:, 1:])
    reward = np.where(np.arange(reward.shape[1]) < store.length[:, None] - 1, reward, 0)
    # An episode that ended earns nothing until the horizon.
    rest = run.suite.world.spec.horizon - reward.shape[1]
    reward = np.pad(reward, ((0, 0), (0, rest)))
    return [
        AdaptationRow(
            method=method,
            task_id=scenario.task.task_id,
            family=scenario.task.family,
            pair=scenario.index,
            onset=_onset(scenario),
            success=bool(store[fields.SUCCESS][i]),
            score=float(reward[i].sum()),
            before=float(reward[i, : _onset(scenario)].sum()),
            by_step=adaptation.by_step(reward[i, _onset(scenario) :]),
            episode_id=str(store[fields.EPISODE_ID][i]),
        )
        for i, scenario in enumerate(planned)
    ]


def _onset(scenario: Scenario) -> int:
    """Return the step at which the fault begins; 0 in worlds without hidden ones."""
    return int(scenario.task.hidden[0]) if scenario.task.hidden else 0


def _measured(
    run: Run,
    method: str,
    config: ForesightConfig,
    played: Mapping[str, EpisodeStore],
    planned: Sequence[Scenario],
    batch: int,
) -> tuple[dict[str, Any], list[list[float | None]]]:
    """Return the errors of a model and the sizes of its adaptation, around the fault.

    Errors are measured in the episodes of the reference, sizes in its own.
    """
    network = _restored(run, config.trained_as or method, config)
    tasks = {scenario.task.task_id: scenario.task for scenario in planned}
    onset = np.array([_onset(scenario) for scenario in planned])
    beside = neighbours.given(len(planned), batch)
    reference, own = (
        (network, store, foresight_training.hidden_by_step(store, tasks, config))
        for store in (played[REFERENCE], played[method])
    )
    steps = onset[:, None] + np.array(adaptation.SHOWN)
    return (
        slices.model_errors(*reference, onset + config.window, beside),
        slices.adaptation_sizes(*own, steps, beside),
    )
