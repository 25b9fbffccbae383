"""Stage 5: success on held-out tasks, every arm on the same scenes."""

import json
import pathlib
import shutil
from collections.abc import Sequence

from datasets import checksums, fields
from wtl.evaluation import protocol, report, rollout_row, statistics
from wtl.pipeline import run_folder
from wtl.pipeline.player import Player
from wtl.pipeline.run import Run
from wtl.pipeline.train import policy_id

_STRIPS_PER_FAMILY = 3
_FAILED_STRIPS = 2


def evaluate(
    run: Run,
    split: str = "test",
    scenes_per_task: int = 4,
    arms: Sequence[str] = tuple(arm.name for arm in protocol.ARMS),
    demos_shown: int = 1,
):
    """Evaluates every trained policy; writes results, rollouts and the report.

    Args:
      run: the run.
      split: `val` for choices, `test` once at the end. Only the results of `test`
        go to `evaluation/`; those of `val` go to `evaluation/val/`.
      scenes_per_task: pairs of a demonstration and a scene, of each task.
      arms: names of `wtl.evaluation.protocol.ARMS`.
      demos_shown: K, demonstrations shown to each policy.
    """
    chosen = [
        arm
        for arm in protocol.ARMS
        if arm.name in arms and policy_id(run, arm.method) is not None
    ]
    folder = run.folder.evaluation / ("" if split == "test" else split)
    run.dataset(fields.WTL_DEMOS)
    inputs = {fields.WTL_DEMOS: run.dataset_fingerprint(fields.WTL_DEMOS)}
    inputs |= {arm.method: policy_id(run, arm.method) for arm in chosen}
    if any(arm.human for arm in chosen):
        name = fields.WTL_HUMAN_VIDEOS
        run.dataset(name)
        inputs[name] = run.dataset_fingerprint(name)

    def current() -> str | None:
        path = folder / "results.json"
        return checksums.checksum(path).sha256 if path.exists() else None

    def work(key: str) -> dict[str, str]:
        human = any(arm.human for arm in chosen)
        player = Player(run, key, split, scenes_per_task, demos_shown, human)
        rows = player.play(chosen)
        _write(run, folder, split, scenes_per_task, demos_shown, rows, player)
        return {"results": current()}

    run.do(
        "evaluate" if split == "test" else f"evaluate_{split}",
        {
            "split": split,
            "scenes_per_task": scenes_per_task,
            "arms": [arm.name for arm in chosen],
            "demos_shown": demos_shown,
        },
        inputs,
        {"results": current},
        work,
    )
    results = json.loads((folder / "results.json").read_text())
    print(statistics.format_table(results))
    print(f"\nReport: {folder / 'report.html'}")


def _strips(player: Player) -> list[report.Strip]:
    """Demonstration, trial and retrial of some scenes of every family."""
    if not {"mil", "wtl"} <= set(player.played):
        return []

    def succeeded(arm: str, i: int) -> bool:
        return player.played[arm][i].metadata[fields.SUCCESS]

    # Failed trials first: they are what the retrial learns from.
    order = sorted(
        range(len(player.pairs)),
        key=lambda i: (succeeded("mil", i), not succeeded("wtl", i)),
    )
    chosen: dict[str, list[int]] = {}
    for i in order:
        rows = chosen.setdefault(player.pairs[i].task.family, [])
        if len(rows) < _STRIPS_PER_FAMILY:
            rows.append(i)
    failed = [i for i in order if not succeeded("wtl", i)][:_FAILED_STRIPS]
    picked = [i for rows in chosen.values() for i in rows] + failed
    return [_strip(player, i) for i in dict.fromkeys(picked)]


def _strip(player: Player, i: int) -> report.Strip:
    demo = int(player.demo_rows[i, 0])
    trial, retrial = player.played["mil"][i], player.played["wtl"][i]
    return report.Strip(
        family=player.pairs[i].task.family,
        rule=str(player.pairs[i].task.rule),
        task_id=player.pairs[i].task.task_id,
        demo_states=player.demos.state[demo],
        trial_states=trial.steps[fields.STATE],
        retrial_states=retrial.steps[fields.STATE],
        demo_target=int(player.demos[fields.HIDDEN_TARGET][demo]),
        target=int(trial.metadata[fields.HIDDEN_TARGET]),
        trial_success=bool(trial.metadata[fields.SUCCESS]),
        retrial_success=bool(retrial.metadata[fields.SUCCESS]),
    )


def _write_videos(folder: pathlib.Path, strips: list[report.Strip]):
    """Writes each episode of the strips as an animated SVG, which browsers play."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, strip in enumerate(strips):
        for take in strip.takes:
            name = f"{number:02d}-{strip.family}-{take.name.lower()}.svg"
            (folder / name).write_text(take.picture, encoding="utf-8")


def _write(run: Run, folder, split, scenes_per_task, demos_shown, rows, player):
    about = {
        "tasks": len({row.task_id for row in rows}),
        "scenes_per_task": scenes_per_task,
        "split": split,
        "seed": run.seed,
        "retrial_scene": protocol.SAME,
        "demos_shown": demos_shown,
        "identity_share": run.suite.identity_share,
        "objects": run.suite.size,
    }
    results = statistics.results(rows, about)
    folder.mkdir(parents=True, exist_ok=True)
    rollout_row.write_csv(rows, folder / "episodes.csv")
    strips = _strips(player)
    _write_videos(folder / "videos", strips)
    report.write_report(
        folder / "report.html",
        results,
        rows,
        report.learning_curves(run.folder.logs),
        strips,
        {
            "seed": run.seed,
            "commit": run_folder.commit(),
            "versions": run_folder.versions(),
            "run": run.folder.path.name,
        },
    )
    # Last: what is there is complete.
    path = folder.relative_to(run.folder.path) / "results.json"
    run.folder.write(str(path), json.dumps(results, indent=2, allow_nan=False) + "\n")
