"""Evaluations of other runs, read from their folders and checked against each other."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import rollout_row
from wtl.evaluation.rollout_row import RolloutRow, grouped

_RESULTS, _ROLLOUTS, _LINEAGE = "results.json", "episodes.csv", "lineage.json"
# Parts of the protocol that may differ between runs on the same scenes.
_OF_TRAINING = ("seed", "training_seeds")
_OF_METHOD = ("demos_shown",)


@dataclasses.dataclass(frozen=True)
class PlayedRun:
    """One evaluation.

    Attributes:
      path: of the run, as given.
      protocol: as in `results.json`.
      rows: the rollouts, which carry `path` as their run.
      commit: of the code that played them; empty if unknown.
    """

    path: str
    protocol: Mapping[str, Any]
    rows: Sequence[RolloutRow]
    commit: str

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in order of appearance."""
        return list(grouped(self.rows, "method"))


def read(path: str) -> PlayedRun:
    """Read the evaluation of a run.

    Args:
      path: a run folder, whose results on test tasks are read, or the folder of
        other results, such as `RUN/evaluation/val`.

    Raises:
      UserError: if there is none, or its rollouts are incomplete.
    """
    folder = pathlib.Path(path)
    if not all((folder / name).exists() for name in (_RESULTS, _ROLLOUTS)):
        folder = folder / "evaluation"
    results, rollouts = folder / _RESULTS, folder / _ROLLOUTS
    for file in (results, rollouts):
        if not file.exists():
            others = " or ".join(
                str(p.parent) for p in sorted(folder.glob(f"*/{_RESULTS}"))
            )
            advice = (
                f"name {others} to compare that" if others else f"evaluate {path} first"
            )
            raise UserError(f"{file} is missing; {advice}")
    try:
        found = json.loads(results.read_text())
        protocol = found["protocol"]
        rows = rollout_row.read_csv(rollouts, run=path)
        # Scenes in which the expert failed are left out.
        expected = {n: m["overall"]["n"] for n, m in found["methods"].items()}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder} can't be read as an evaluation: {error!r}"
        ) from error
    if not rows:
        raise UserError(f"{rollouts} holds no rollouts")
    for method, played in grouped(rows, "method").items():
        scenes = len({row.key for row in played})
        if not scenes == len(played) == expected.get(method):
            raise UserError(
                f"{rollouts} has {scenes} scenes of {method} in {len(played)} "
                f"rollouts, but {results.name} says {expected.get(method, 0)}; "
                f"evaluate {path} again"
            )
    return PlayedRun(path, protocol, rows, _commit(folder, protocol.get("split")))


def write(run: PlayedRun, folder: pathlib.Path):
    """Write of an evaluation what `read` needs, without the ids of episodes."""
    rows = [
        dataclasses.replace(row, demo_id="", trial_ids=(), episode_id="")
        for row in run.rows
    ]
    rollout_row.write_csv(rows, folder / _ROLLOUTS)
    methods = {
        name: {"overall": {"n": len(played)}}
        for name, played in grouped(rows, "method").items()
    }
    stage = _stage(run.protocol.get("split"))
    for name, content in (
        (_RESULTS, {"protocol": run.protocol, "methods": methods}),
        (_LINEAGE, {stage: {"commit": run.commit}}),
    ):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")


def _stage(split: str | None) -> str:
    return "evaluate" if split in (None, "test") else f"evaluate_{split}"


def _commit(folder: pathlib.Path, split: str | None) -> str:
    stage = _stage(split)
    for above in (folder, *folder.parents)[:4]:
        try:
            return json.loads((above / _LINEAGE).read_text())[stage]["commit"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def check(sets: Mapping[str, Sequence[PlayedRun]]):
    """Check that sets of runs have played the same scenes under the same protocol.

    Raises:
      UserError: if two runs can't be compared; the message names all differences.
    """
    runs = [run for members in sets.values() for run in members]
    for run in runs[1:]:
        _refuse(runs[0], run, _OF_TRAINING + _OF_METHOD)
    for members in sets.values():
        for i, run in enumerate(members):
            _refuse(members[0], run, _OF_TRAINING)
            for other in members[:i]:
                shared = set(run.methods) & set(other.methods)
                if shared and run.protocol["seed"] == other.protocol["seed"]:
                    raise UserError(
                        f"{run.path} and {other.path} both hold "
                        f"{', '.join(sorted(shared))} of seed {run.protocol['seed']}; "
                        "runs that differ in more than the seed go into sets of their "
                        "own: --compare=NAME=RUN for each"
                    )


def _refuse(first: PlayedRun, second: PlayedRun, but: Sequence[str]):
    found = _protocols(first, second, but) or _differing_scenes(first, second)
    if found:
        raise UserError(f"{second.path} can't be compared with {first.path}: {found}")


def _protocols(first: PlayedRun, second: PlayedRun, but: Sequence[str]) -> str:
    """Describe differences between two protocols in their common keys."""
    one, other = first.protocol, second.protocol
    return "; ".join(
        f"{name} is {other[name]!r} there and {one[name]!r} here"
        for name in sorted(one.keys() & other.keys() - set(but))
        if one[name] != other[name]
    )


def _differing_scenes(first: PlayedRun, second: PlayedRun) -> str:
    scenes, others = _scenes(first), _scenes(second)
    tasks, other_tasks = ({task for task, _ in found} for found in (scenes, others))
    if tasks != other_tasks:
        new = len(other_tasks - tasks)
        return f"{new} of its {len(other_tasks)} tasks are different"
    # A run without retrials in new scenes has fewer scenes, not different ones.
    changed = sum(
        not (scenes[key] <= others[key] or others[key] <= scenes[key])
        for key in scenes.keys() & others.keys()
    )
    if not changed:
        return ""
    return f"{changed} of {len(scenes)} scenes, or the rules in them, are different"


def _scenes(run: PlayedRun) -> dict[tuple[str, int], set[tuple[int, str]]]:
    """Return seeds and rules of the scenes by task and scenario."""
    return {
        key: {(row.scene_seed, row.rule) for row in rows}
        for key, rows in grouped(run.rows, "key").items()
    }
