"""Reinforcement learning of held-out tasks, one at a time, versus one trial of WTL."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from wtl.collection.worlds.world import Task
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count
from wtl.datasets.contract.progress import progress
from wtl.datasets.storage import checksums
from wtl.evaluation import reports, rollout_row
from wtl.evaluation import trials_needed as needed
from wtl.pipeline import choices, run_folder
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.policies.bc_sac.config import SacConfig
from wtl.policies.heads import DENSITIES
from wtl.policies.heads.config import HeadConfig
from wtl.policies.methods import BASELINE, METHODS, RETRIAL, TRIAL
from wtl.policies.methods.record import Start
from wtl.training import process
from wtl.training import reinforcement_job as jobs
from wtl.training.policy_config import config_for, with_settings

_REFERENCE = RETRIAL
_FURTHER = (TRIAL, BASELINE)  # further references, if they were evaluated


def reinforce(
    run: Run,
    split: str = "test",
    tasks: Count = 25,
    methods: Sequence[str] | None = None,
    scenes_per_task: Count = 4,
    trials: Count = 3000,
    at_once: Count = 10,
    evaluate_every: Count = 100,
    patience: Count = 300,
    scenes: str = jobs.FRESH,
):
    """Learn held-out tasks by trial and error; write curves and a report.

    Success is measured greedily in the scenes in which `evaluate` has measured WTL.
    Each condition and task has its own record, so rerun the command to resume, or to
    add conditions or tasks. SAC is configured under the scope of the stage, as in
    `reinforce/SacConfig.batch_size = 64`, and the actor of SAC from scratch under
    `sac`, as in `sac/ContextualConfig.components = 1`; see `wtl.pipeline.bindings`.

    Args:
      run: the run, whose policies are trained and evaluated on this split.
      split: `val` for choices, `test` once at the end.
      tasks: number of tasks, the first of the split; in 25 all rules are in
        proportion.
      methods: names of methods whose configuration is a `Start`; None for all.
      scenes_per_task: scenes of `evaluate` in which success is measured.
      trials: number of trials of each task.
      at_once: trials between updates.
      evaluate_every: trials between evaluations.
      patience: trials with only successful evaluations after which a task counts as
        solved and is stopped; more than `trials` for never.
      scenes: `fresh`, a new scene of the task for each trial; or `evaluation`, trials
        in the evaluated scenes.
    """
    run.require_capability("make_env", "reinforce")
    budget = jobs.Budget(trials, at_once, evaluate_every, patience, scenes)
    config = bound(SacConfig(), "reinforce")
    known = [m.name for m in METHODS.values() if isinstance(m.config, Start)]
    methods = known if methods is None else list(methods)
    choices.check("reinforce.methods", methods, known)
    _check(run, split, tasks, budget)
    name = run.folder.results("reinforce", split)
    folder = run.folder.path / name
    chosen = run.suite.tasks(split)[:tasks]
    starts = {METHODS[method].config.method for method in methods} - {""}
    inputs = run.inputs(fields.WTL_DEMOS, *sorted(starts))
    rows, inputs["episodes"] = _evaluated(run, split, chosen, scenes_per_task)
    by_task = _by_task(rows, _REFERENCE, chosen)
    seeds = {name: tuple(r.scene_seed for r in by_task[name]) for name in by_task}
    planned = _jobs(run, folder, chosen, methods, seeds, budget, config)
    goals = {}
    for method in (_REFERENCE, *_FURTHER):
        found = _by_task(rows, method, chosen)
        if all(found.values()):
            goals[method] = {
                name: float(np.mean([row.success for row in of_task]))
                for name, of_task in found.items()
            }

    def work(_: str) -> dict[str, Any]:
        todo = [job for job in planned if not job.record.exists()]
        with progress(
            total=len(planned),
            initial=len(planned) - len(todo),
            desc="reinforce",
            unit="task and condition",
            smoothing=0,
        ) as bar:
            process.run_all(todo, run.processes, on_done=lambda _: bar.update())
        records = [json.loads(job.record.read_text()) for job in planned]
        curves = _curves(run, split, records, goals, budget, scenes_per_task, config)
        reports.write_reinforcement(folder / "report.html", curves)
        return curves

    curves = run.do_results(
        "reinforce" if split == fields.SPLIT_TEST else f"reinforce_{split}",
        {
            "split": split,
            "tasks": tasks,
            "methods": methods,
            "scenes_per_task": scenes_per_task,
            **dataclasses.asdict(budget),
            "config": dataclasses.asdict(config),
        },
        inputs,
        f"{name}/curves.json",
        work,
    )
    print(needed.format_table(curves))
    print(f"\nReport: {folder / 'report.html'}")


def _check_actor(config: HeadConfig):
    """Raise UserError if an actor has no density of single actions."""
    if config.chunk > 1 or not config.has_density:
        raise UserError(
            "reinforce needs actors of single actions with a density: leave chunk at 1 "
            f"and head at one of {', '.join(DENSITIES)}"
        )


def _check(run: Run, split: str, tasks: int, budget: jobs.Budget):
    run.require_capability("trial_tasks", "reinforce")
    run.require_capability("entities", "reinforce")
    choices.check("reinforce.split", [split], (fields.SPLIT_VAL, fields.SPLIT_TEST))
    choices.check("reinforce.scenes", [budget.scenes], jobs.SCENES)
    for is_wrong, problem in (
        (
            run.suite.motor_faults,
            "reinforce imitates commands, which hidden actuator gains change; choose a "
            "configuration without suite.motor_faults",
        ),
        (run.images, "reinforce learns from states: set camera.pixels to 0"),
    ):
        if is_wrong:
            raise UserError(problem)
    most = len(run.suite.tasks(split))
    if tasks > most:
        raise UserError(f"reinforce.tasks is {tasks}; the split {split!r} has {most}")


def _evaluated(
    run: Run, split: str, chosen: Sequence[Task], scenes: int
) -> tuple[list[rollout_row.RolloutRow], str]:
    """Return the rollouts of `evaluate` for some tasks, and their checksum.

    Raises:
      UserError: if WTL was not evaluated there.
    """
    path = run.folder.path / run.folder.results("evaluation", split) / "episodes.csv"
    remedy = f"run `wtl evaluate` with evaluate.split = {split!r} and this --run_dir"
    if not path.exists():
        raise UserError(
            f"{path} is missing, so there is no reference to match; {remedy}"
        )
    names = {task.task_id for task in chosen}
    rows = [
        row
        for row in rollout_row.read_csv(path)
        if row.pair < scenes and row.task_id in names
    ]
    reference = [row for row in rows if row.method == _REFERENCE]
    # Scenes where the expert failed are excluded for every method.
    most = max((row.pair + 1 for row in reference), default=0)
    if most < scenes or {row.task_id for row in reference} != names:
        raise UserError(
            f"{path} lacks `{_REFERENCE}` in {scenes} scenes of each of these "
            f"{len(names)} tasks; {remedy}, or lower reinforce.scenes_per_task"
        )
    return rows, checksums.checksum(path).sha256


def _by_task(
    rows: Sequence[rollout_row.RolloutRow], method: str, tasks: Sequence[Task]
) -> dict[str, list[rollout_row.RolloutRow]]:
    """Return the rollouts of a method by task."""
    return {
        task.task_id: [
            row for row in rows if (row.method, row.task_id) == (method, task.task_id)
        ]
        for task in tasks
    }


def _jobs(
    run: Run,
    folder: pathlib.Path,
    chosen: Sequence[Task],
    methods: Sequence[str],
    seeds: dict[str, tuple[int, ...]],
    budget: jobs.Budget,
    config: SacConfig,
) -> list[jobs.ReinforcementJob]:
    demos = run.datasets.read(fields.WTL_DEMOS, chosen[0].split)
    lineage = run.folder.lineage.get("train_trial", {})
    trained = lineage.get("parameters", {}).get("networks", {})
    planned = []
    for task in chosen:
        shown = np.flatnonzero(demos[fields.TASK_ID] == task.task_id)
        if not len(shown):
            raise UserError(
                f"there is no demonstration of {task.task_id}; run `wtl collect_demos`"
            )
        for name in methods:
            start = METHODS[name].config
            actor = start.method or BASELINE  # from scratch: its network
            network = config_for(actor, run.suite)
            if start.method:
                network = with_settings(network, trained.get(start.method, {}))
            else:
                network = bound(network, name)
            _check_actor(network)
            job = jobs.ReinforcementJob(
                method=name,
                start=start,
                kind=METHODS[actor].kind,
                task=task,
                evaluation_seeds=seeds[task.task_id],
                demo_dir=run.datasets.path(fields.WTL_DEMOS),
                demo_id=str(demos[fields.EPISODE_ID][shown[0]]),
                start_dir=run.folder.policies / actor if start.method else None,
                start_id=run.require_policy(actor) if start.method else "",
                network=network,
                config=config,
                budget=budget,
                seed=seeding.derive_seed(run.seed, "reinforce", name, task.task_id),
                scene_seed=seeding.derive_seed(run.seed, "reinforce", task.task_id),
                record=folder,
                row=1 + len(planned) % run.processes,
            )
            key = run_folder.key(
                **{
                    part: value
                    for part, value in dataclasses.asdict(job).items()
                    if part not in ("record", "row", "demo_dir", "start_dir")
                }
            )
            record = folder / "records" / f"{name}-{task.task_id}-{key}.json"
            planned.append(dataclasses.replace(job, record=record))
    return planned


def _curves(
    run: Run, split, records, goals, budget: jobs.Budget, scenes: int, config
) -> dict[str, Any]:
    """Return the contents of `curves.json`."""
    conditions: dict[str, Any] = {}
    trials = budget.evaluations()
    names = list(dict.fromkeys(record["task_id"] for record in records))
    goal = np.array([goals[_REFERENCE][name] for name in names])
    for name in dict.fromkeys(record["arm"] for record in records):
        by_task = {r["task_id"]: r for r in records if r["arm"] == name}
        success = np.array([_success(by_task[n], len(trials)) for n in names])
        conditions[name] = needed.curve(trials, success, scenes) | {
            "needed": needed.trials_needed(trials, success, goal, scenes),
            "families": {
                family: success[[by_task[n]["family"] == family for n in names]]
                .mean(axis=0)
                .tolist()
                for family in dict.fromkeys(r["family"] for r in by_task.values())
            },
            "made": [by_task[n]["trials"][-1] for n in names],
            "seconds": sum(record["seconds"] for record in by_task.values()),
        }
    return {
        "protocol": {
            "split": split,
            "tasks": len(names),
            "scenes_per_task": scenes,
            "seed": run.seed,
            **dataclasses.asdict(budget),
            "config": dataclasses.asdict(config),
            **run_folder.origin(),
        },
        "reference": {
            method: needed.curve([1], np.array([[rates[n]] for n in names]), scenes)
            for method, rates in goals.items()
        },
        "arms": conditions,
    }


def _success(record: dict[str, Any], evaluations: int) -> np.ndarray:
    """Return success of a task at each evaluation; solved tasks stay solved."""
    found = np.mean(record["success"], axis=1)
    return np.pad(found, (0, evaluations - len(found)), mode="edge")
