"""Stage 5: success on held-out tasks, every condition on the same scenes."""

import dataclasses
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from wtl.collection.worlds import registry
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count
from wtl.evaluation import learning_curve, reports, rollout_row, statistics, table
from wtl.evaluation.episode_strip import Strip
from wtl.pipeline import choices, run_folder, strips
from wtl.pipeline.offline import evaluate_offline
from wtl.pipeline.player import Player
from wtl.pipeline.run import Run
from wtl.policies.methods import CONDITIONS, uses_human_videos
from wtl.policies.methods.record import NEXT_AFTER_FAILURE, SAME, Condition

# Settings of `suite` that are named only where they are chosen.
_CHOSEN = (
    *("families", "train_rules", "test_rules", "left_out_objects"),
    *("motor_faults", "puck", "disturbance"),
)
# Hidden parameters of tasks that oracle bounds assume to be known, see `suite`.
_HIDDEN = ("motor_faults", "puck")


def evaluate(
    run: Run,
    split: str = "test",
    scenes_per_task: Count = 4,
    conditions: Sequence[str] | None = None,
    demos_shown: Count = 1,
    fixed_tasks: bool = False,
) -> pathlib.Path:
    """Evaluate every trained policy; write results, rollouts and the report.

    Without an environment, see `wtl.pipeline.offline`; no argument matters there.

    Args:
      run: the run.
      split: `val` for choices, `test` once at the end. Only the results of `test`
        go to `evaluation/`; those of `val` go to `evaluation/val/`.
      scenes_per_task: scenarios (a demonstration and a scene) of each task.
      conditions: names of `wtl.policies.methods.CONDITIONS`, None for all that are
        `in_default`; those without a trained policy are skipped.
      demos_shown: K, demonstrations given to each policy.
      fixed_tasks: whether these tasks alone matter, so that intervals are over their
        scenes; else tasks are a sample of all that might be drawn.

    Returns:
      The folder of the results.
    """
    if run.suite.world.make_env is None:
        return evaluate_offline(run)
    choices.check("evaluate.split", [split], (fields.SPLIT_VAL, fields.SPLIT_TEST))
    named = conditions or ()
    if conditions is None:
        conditions = [name for name, c in CONDITIONS.items() if c.in_default]
    if not conditions:
        raise UserError("evaluate.conditions is empty; name one at least")
    choices.check("evaluate.conditions", conditions, CONDITIONS)
    chosen = [
        condition
        for condition in CONDITIONS.values()
        if condition.name in conditions
        and run.has_policy(condition.method)
        # Without sets no policy has a target to choose.
        and (run.suite.layout.sets or condition.choice != NEXT_AFTER_FAILURE)
    ]
    if not chosen:
        run.require_policy(CONDITIONS[conditions[0]].method)
    _require_trials(run, chosen, conditions)
    left_out = [c for c in named if not run.has_policy(CONDITIONS[c].method)]
    human = any(map(uses_human_videos, chosen))
    given = (fields.WTL_DEMOS, *([fields.WTL_HUMAN_VIDEOS] if human else []))
    name = run.folder.results("evaluation", split)
    folder = run.folder.path / name
    stage = "evaluate" if split == fields.SPLIT_TEST else f"evaluate_{split}"
    played = {
        "split": split,
        "scenes_per_task": scenes_per_task,
        "demos_shown": demos_shown,
    }
    inputs = run.inputs(*given, *(condition.method for condition in chosen))

    def work(key: str) -> dict[str, Any]:
        made_from = {"settings": run.key(stage, played, {})}
        made_from |= {name: inputs[name] for name in given}
        made_from |= {condition.name: inputs[condition.method] for condition in chosen}
        run.datasets.continue_staging(key, made_from)
        if left_out:
            print(f"no policy is trained for {', '.join(left_out)}: left out")
        player = Player(run, key, split, scenes_per_task, demos_shown, human)
        rows = player.play(chosen)
        about = protocol_of(run, split, scenes_per_task, demos_shown, rows)
        if fixed_tasks:  # named only then: protocols of earlier runs stay
            about["fixed_tasks"] = True
        results = statistics.results(rows, about)
        _write(run, folder, results, rows, player)
        return results

    results = run.do_results(
        stage,
        played
        | {"conditions": [condition.name for condition in chosen]}
        | ({"fixed_tasks": True} if fixed_tasks else {}),
        inputs,
        f"{name}/results.json",
        work,
        lambda: len(chosen) * len(run.suite.tasks(split)) * scenes_per_task,
    )
    print(table.format_table(results))
    print(f"\nReport: {folder / 'report.html'}")
    return folder


def _require_trials(run: Run, chosen: Sequence[Condition], names: Sequence[str]):
    """Check that conditions whose episodes are trials of others are played as well.

    Raises:
      UserError: if one is not named, or its policy is missing.
    """
    for condition in chosen:
        for trial in condition.trials:
            if trial not in names:
                raise UserError(
                    f"evaluate.conditions names {condition.name!r}, whose trials are "
                    f"the episodes of {trial!r}; name {trial!r} too"
                )
            run.require_policy(CONDITIONS[trial].method)


def _write_videos(folder: pathlib.Path, shown: list[Strip]):
    """Write each episode of the strips as an animated SVG, which browsers play."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, strip in enumerate(shown):
        for episode in strip.episodes:
            name = f"{number:02d}-{strip.family}-{episode.name.lower()}.svg"
            (folder / name).write_text(episode.animation, encoding="utf-8")


def protocol_of(
    run: Run,
    split: str,
    scenes_per_task: int,
    demos_shown: int,
    rows: Sequence[rollout_row.RolloutRow],
) -> dict[str, Any]:
    """Return the protocol of an evaluation, for `results.json`; see `evaluate`."""
    about = {
        "tasks": len({row.task_id for row in rows}),
        "scenes_per_task": scenes_per_task,
        "split": split,
        "seed": run.seed,
        "retrial_scene": SAME,
        "demos_shown": demos_shown,
        "identity_share": run.suite.identity_share,
        "objects": run.suite.size,
        "world": run.suite.world.name,
        "world_version": run.suite.world.version,
        "training_seeds": [run.seed],
        "domain": run.suite.domain,
    }
    for name in _CHOSEN:
        chosen = getattr(run.suite, name)
        if chosen:
            is_drawn = dataclasses.is_dataclass(chosen)
            about[name] = dataclasses.asdict(chosen) if is_drawn else chosen
    if run.suite.robot != registry.DEFAULT_ROBOT:
        about["robot"] = run.suite.robot
    known = [name for name in _HIDDEN if name in about]
    if run.suite.world.all_gains_matter and "motor_faults" in known:
        known.remove("motor_faults")
    if known:
        about["ceilings_know"] = known
    return about


def _write(run: Run, folder: pathlib.Path, results, rows, player: Player):
    folder.mkdir(parents=True, exist_ok=True)
    rollout_row.write_csv(rows, folder / "episodes.csv")
    shown = strips.gather(player)
    _write_videos(folder / "videos", shown)
    reports.write_evaluation(
        folder / "report.html",
        results,
        rows,
        learning_curve.learning_curves(run.folder.logs),
        shown,
        {
            "seed": run.seed,
            **run_folder.origin(),
            "run": run.folder.path.name,
        },
    )
