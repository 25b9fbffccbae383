"""Meta-reinforcement learning from trials alone: training and evaluation."""

import dataclasses
import functools
import json
import shutil
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from wtl.collection import trials as played
from wtl.collection.trials import Agent
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count
from wtl.evaluation import figures, reports, trial_results
from wtl.evaluation.rollout_row import write_csv
from wtl.evaluation.trial_results import TrialRow
from wtl.pipeline import choices, run_folder
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run
from wtl.pipeline.trial_worlds import HeldOut, TrialWorld, open_world
from wtl.policies import checkpoints, export
from wtl.policies.methods import METHODS
from wtl.training import meta_learning
from wtl.training.learners import LEARNERS


def meta_rl(
    run: Run,
    method: str = "pearl",
    world: str | None = None,
    env_steps: Count = 300_000,
    shaped: bool = False,
    trials: Count = 10,
    split: str = fields.SPLIT_TEST,
    scenes_per_task: Count = 4,
    evaluations: Count = 10,
):
    """Train a method on training tasks and evaluate it on held-out ones.

    Its hyper-parameters are configured under the scope of the stage, as in
    `meta_rl/PearlConfig.latent = 2`; see `wtl.pipeline.bindings`. Results go to
    `RUN/meta_rl/METHOD/`, of `val` to `RUN/meta_rl/METHOD/val/`.

    Args:
      run: the run.
      method: name of a method with a learner in `wtl.training.learners`.
      world: one of `wtl.pipeline.trial_worlds.WORLDS`; None for that of the suite.
      env_steps: environment steps of training.
      shaped: whether training rewards progress, in worlds with sparse rewards;
        observed rewards and results stay sparse.
      trials: consecutive trials in each held-out scene.
      split: `val` for choices, `test` once at the end.
      scenes_per_task: held-out scenes of each task.
      evaluations: points of the learning curve, on one scene of each validation task.

    Raises:
      UserError: if an argument is invalid.
    """
    known = {name: m for name, m in METHODS.items() if type(m.config) in LEARNERS}
    choices.check("meta_rl.method", [method], known)
    choices.check("meta_rl.split", [split], (fields.SPLIT_VAL, fields.SPLIT_TEST))
    run.require_tasks("meta_rl", fields.SPLIT_TRAIN, fields.SPLIT_VAL, split)
    world = world or run.suite.world.name
    if run.images:
        raise UserError("meta_rl acts on states: set camera.pixels to 0")
    trained = known[method].trained_as or method
    configs = {n: bound(known[n].config, "meta_rl") for n in (trained, method)}
    config = configs[method]
    kind = LEARNERS[type(config)]
    training = {
        "method": trained,
        "world": world,
        "env_steps": env_steps,
        "shaped": shaped,
        "trials": trials,
        "evaluations": evaluations,
        "config": dataclasses.asdict(configs[trained]),
    }
    evaluation = {"split": split, "scenes_per_task": scenes_per_task}
    evaluation |= {"method": method}
    name = run.folder.results(f"meta_rl/{method}", split)
    folder = run.folder.path / name

    def work(_: str) -> dict[str, Any]:
        directory = run.folder.policies / trained
        network = kind.network_type(opened.view, config)
        latest = tf.train.latest_checkpoint(
            checkpoints.literal(directory / "checkpoints")
        )
        found = tf.train.Checkpoint(network=network).restore(latest)
        found.expect_partial().assert_existing_objects_matched()
        agent = kind.player(network, held_out.pool, held_out.attempts)
        rows = _play(run, method, trained, agent, held_out, trials)
        curve = json.loads((directory / "curve.json").read_text())
        about = training | evaluation
        about["seed"] = run.seed
        about["tasks"] = len({row.task_id for row in rows})
        about["env_steps"] = curve[-1]["env_steps"]  # whole rounds
        of_trial = functools.partial(opened.oracle_bound, split=split)
        results = trial_results.results(rows, about, of_trial, curve, opened.misses)
        write_csv(rows, folder / "trials.csv", TrialRow)
        run.folder.write(f"{name}/figure.svg", figures.trials(results))
        return results

    with open_world(run, world, shaped) as opened:
        _train(run, training, kind, configs[trained], opened)
        held_out = opened.held_out(split, scenes_per_task)
        results = run.do_results(
            f"evaluate_{method}" + (f"_{split}" if split == fields.SPLIT_VAL else ""),
            training | evaluation,
            run.inputs(trained),
            f"{name}/results.json",
            work,
        )
    of_run = run.folder.path / "meta_rl"
    report = of_run / run.folder.results(".", split) / "report.html"
    pattern = run.folder.results("*", split) + "/results.json"
    of_methods = {
        path.relative_to(of_run).parts[0]: json.loads(path.read_text())
        for path in sorted(of_run.glob(pattern))
    }
    reports.write_trials(report, of_methods, run_folder.origin())
    print(trial_results.format_table(results))
    print(f"\nReport: {report}")


def _train(run: Run, training: dict[str, Any], kind, config, world: TrialWorld):
    method, env_steps = training["method"], training["env_steps"]
    validation = world.held_out(fields.SPLIT_VAL, 1)

    def evaluate(agent: Agent) -> dict[str, Any]:
        rows = _play(run, method, method, agent, validation, training["trials"])
        return {"trials": trial_results.by_trial(rows, world.misses)}

    def work(key: str) -> dict[str, str]:
        directory = run.folder.claim_policy(method, key)
        seed = seeding.derive_seed(run.seed, "meta_rl", method)
        learner = kind(
            world.view, config, world.train, env_steps, seed=seed, directory=directory
        )
        meta_learning.train(
            learner,
            world.train,
            log_dir=run.folder.logs / method,
            evaluate=evaluate,
            evaluations=training["evaluations"],
            name=f"train {method}",
        )
        trained = export.weights_hash(learner.network.variables)
        run.folder.record_policy(method, trained, key)
        # It is large, and only interrupted trainings need it.
        shutil.rmtree(directory / "replay", ignore_errors=True)
        return {method: trained}

    current = {method: lambda: run.folder.policy_id(method)}
    run.do(f"train_{method}", training, {}, current, work)


def _play(
    run: Run, method: str, trained: str, agent: Agent, held_out: HeldOut, count: int
) -> Sequence[TrialRow]:
    """Play trials in every held-out scene; return a row of each.

    Methods that play the policy of one that is `trained` start from the same states.
    """
    seeds = [
        seeding.derive_seed(run.seed, trained, task_id, pair)
        for task_id, _, pair in held_out.names
    ]
    rows = []
    goal = [attempt.goal for attempt in held_out.attempts]
    found = played.play(held_out.pool, agent, held_out.attempts, seeds, count)
    for number, trial in enumerate(found, 1):
        for i, (task_id, family, pair) in enumerate(held_out.names):
            success = bool(trial.success[i, goal[i]])
            score = float(trial.observed_reward[i, :, goal[i]].sum())
            rows.append(TrialRow(method, task_id, family, pair, number, success, score))
    return rows
