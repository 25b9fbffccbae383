"""Evaluation of a user's own policy, in the table of a run's evaluation."""

import contextlib
import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from dm_env import specs

from wtl.collection import action, episode_loop, worker
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import (
    Observations,
    ProcessVectorEnvironment,
    VectorEnvironment,
)
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, location, staging
from wtl.evaluation import learning_curve, reports, rollout_row, statistics
from wtl.pipeline import player, run_folder
from wtl.pipeline.evaluate import protocol_of
from wtl.pipeline.run import Run
from wtl.policies import interface, methods
from wtl.policies.methods import CONDITIONS, METHODS, Condition
from wtl.policies.methods.record import NEW, SAME, Method
from wtl.training.policy_config import config_for

NAME = player.NAME
_NAME_SHAPE = re.compile(r"[A-Za-z0-9](?!.*_vs_)[A-Za-z0-9_. -]*")
_FOLDERS = ("offline", "val", "videos")  # of an evaluation
_SCENES_PER_TASK = 4
_SAME_ACTION = 1e-3  # share of the range of an action


def evaluate(
    run: Run,
    policy: Any,
    name: str,
    trials: Sequence[str] = (),
    new_scene: bool = False,
    split: str = fields.SPLIT_TEST,
    alone: bool = False,
) -> tuple[dict[str, Any], pathlib.Path]:
    """Evaluate a policy; see `wtl.evaluate`.

    Args:
      run: an evaluated run, or one with demonstrations.
      policy: see `wtl.evaluate`.
      name: of the row of the table, and of the folder.
      trials: conditions whose episodes are given as trials, in order.
      new_scene: whether the policy plays in another scene than the trials.
      split: of the tasks.
      alone: whether the run is not evaluated, and the policy compared with none.

    Returns:
      The contents of `results.json`, and the folder that holds it.

    Raises:
      UserError: if the run was not evaluated as it is now, or a name, the policy or one
        of its actions does not fit.
    """
    if not _NAME_SHAPE.fullmatch(name) or name in _FOLDERS:
        raise UserError(
            f"name {name!r}: take another, of letters, digits, spaces, _, . and -"
        )
    run.require_capability("make_env", "wtl.evaluate")
    evaluated = _demonstrated(run, split) if alone else _evaluated(run, split)
    folder = run.folder.path / run.folder.results("evaluation", split)
    rows = [] if alone else rollout_row.read_csv(folder / "episodes.csv")
    played = list(rollout_row.grouped(rows, "method"))
    if name in (*METHODS, *CONDITIONS, *played):
        raise UserError(f"{name!r} is a condition of WTL or of this run; rename yours")
    for trial in trials:
        if trial not in played:
            raise UserError(
                f"trials_from names {trial!r}; {folder} has "
                f"{', '.join(played) or 'no condition'}"
            )
    record = Method(
        *(name, name, "A policy of the user's own."),
        config=interface.Interface(demos=takes_demos(policy), trials=bool(trials)),
        conditions=(
            Condition(
                *(name, name, "A policy of the user's own."),
                trials=tuple(trials),
                scene=NEW if new_scene else SAME,
            ),
        ),
        compared_with=tuple(played),
    )
    own = run_folder.RunFolder(folder / name)
    with methods.registered(record):
        (condition,) = record.conditions
        playing = OwnPolicyPlayer(run, own, evaluated, policy, condition)
        rows += playing.play(record.conditions)
        parameters = evaluated["parameters"]
        protocol = protocol_of(
            run, split, parameters["scenes_per_task"], parameters["demos_shown"], rows
        )
        results = statistics.results(rows, protocol)
        rollout_row.write_csv(rows, own.path / "episodes.csv")
        reports.write_evaluation(
            own.path / "report.html",
            results,
            rows,
            learning_curve.learning_curves(run.folder.logs),
            [],
            {"seed": run.seed, **run_folder.origin(), "run": run.folder.path.name},
        )
        own.write_json("results.json", results)
    return results, own.path


def takes_demos(policy: Any) -> bool:
    """Whether a policy is given demonstrations."""
    return getattr(policy, "takes_demos", hasattr(policy, "reset"))


def _demonstrated(run: Run, split: str) -> dict[str, Any]:
    """Return what the lineage of an evaluation without conditions would have."""
    return {
        "parameters": {
            "split": split,
            "scenes_per_task": _SCENES_PER_TASK,
            "conditions": [],
            "demos_shown": 1,
        },
        "inputs": run.inputs(fields.WTL_DEMOS),
    }


def _evaluated(run: Run, split: str) -> dict[str, Any]:
    """Return the lineage of the run's evaluation, which the run must still fit."""
    stage = "evaluate" if split == fields.SPLIT_TEST else f"evaluate_{split}"
    found = run.folder.lineage.get(stage)
    if found is None:
        raise UserError(
            f"{run.folder.path} is not evaluated on {split}: run `wtl evaluate` first"
        )
    demos = checksums.fingerprint(run.datasets.path(fields.WTL_DEMOS))
    if (
        found["key"] != run.key(stage, found["parameters"], found["inputs"])
        or found["inputs"][fields.WTL_DEMOS] != demos
    ):
        raise UserError(
            f"{run.folder.path} was evaluated with another configuration or other "
            "demonstrations than it has now: run `wtl evaluate` first"
        )
    return found


class OwnPolicyPlayer(player.Player):
    """Plays a policy of the user's own in the scenarios of an evaluation.

    It is called in this process, for one episode at a time.
    """

    def __init__(
        self,
        run: Run,
        own: run_folder.RunFolder,
        evaluated: dict[str, Any],
        policy: Any,
        condition: Condition,
    ):
        """Read the demonstrations and trials.

        Args:
          run: an evaluated run.
          own: folder of the episodes of the policy.
          evaluated: lineage of the run's evaluation.
          policy: see `wtl.evaluate`.
          condition: of the policy; registered.

        Raises:
          UserError: if episodes are missing.
        """
        parameters, inputs = evaluated["parameters"], evaluated["inputs"]
        if not condition.trials:
            inputs = {name: inputs[name] for name in (fields.WTL_DEMOS,)}
        settings = {"trials": condition.trials, "scene": condition.scene, **parameters}
        del settings["conditions"]
        super().__init__(
            run,
            run.key("wtl.evaluate", settings, inputs),
            parameters["split"],
            parameters["scenes_per_task"],
            parameters["demos_shown"],
        )
        self._own = dataclasses.replace(run, folder=own)
        self._policy = policy
        self._demos = reader.EpisodesById(run.datasets.require(fields.WTL_DEMOS))
        self._trials = self._read_trials(condition) if condition.trials else None

    def play(self, conditions: Sequence[Condition]) -> list[rollout_row.RolloutRow]:
        """Play the only condition, publish the episodes and return a row of each."""
        (condition,) = conditions
        shards = [
            self.shard(condition, [number]) for number in range(len(self.scenarios))
        ]
        spec = self._own.datasets.spec(NAME)
        with (
            staging.StagingWriter(self._staging, spec) as writer,
            self._environments() as environments,
            progress(total=len(shards), desc=condition.name, unit="episode") as bar,
        ):
            there = [s for s in shards if writer.episode_ids.issuperset(s.episode_ids)]
            if there:
                self._check_staged(there[0], environments)
            bar.update(len(there))
            # The dataset holds all parents of its episodes, as others do.
            given = {n for s in shards for r in s.requests for n in r.trial_ids}
            writer.append_encoded(self._trials.payloads[n] for n in sorted(given))
            for shard in shards:
                if not writer.episode_ids.issuperset(shard.episode_ids):
                    writer.append(shard.play_in(environments))
                    bar.update()
        demos = self._run.datasets.require(fields.WTL_DEMOS)
        self._own.folder.adopt(demos, self._run.folder)
        self._own.datasets.publish(
            NAME, self._key, {"stage": "evaluate", "split": self._split}
        )
        published = self._own.datasets.read(NAME, self._split)
        rows = published.rows(self._episode_ids(condition))
        self.played[condition.name] = published.select(rows)
        return self._rows(condition)

    def _environments(self) -> contextlib.AbstractContextManager:
        if not self._run.camera:
            return contextlib.nullcontext(VectorEnvironment())
        # Mesa and TensorFlow in one process crash: another one renders.
        with worker.without_script():
            return ProcessVectorEnvironment(1, self._run.camera)

    def _check_staged(self, shard, environments):
        """Refuse a policy that does not repeat an episode that is staged already."""
        (staged,) = staging.iterate_staged(self._staging, shard.episode_ids)
        (again,) = shard.play_in(environments)
        spec = self._run.suite.world.spec.action
        slack = _SAME_ACTION * (spec.maximum - spec.minimum)
        one, other = (e.steps[fields.ACTION] for e in (staged, again))
        if one.shape != other.shape or (np.abs(one - other) > slack).any():
            raise UserError(
                f"the episodes in {self._own.folder.path} are of another policy, or of "
                "one that acts at random: choose another name, or remove the folder"
            )

    def _read_trials(self, condition: Condition) -> reader.EpisodesById:
        """Read the metadata of the trials; return them by id."""
        ids = {name: self._episode_ids(CONDITIONS[name]) for name in condition.trials}
        for version in reversed(location.versions(self._run.folder.datasets / NAME)):
            store = reader.read(version, self._split)
            if all(store.index_by_id.keys() >= set(each) for each in ids.values()):
                self.played = {
                    name: store.select(store.rows(each)) for name, each in ids.items()
                }
                return reader.EpisodesById(version)
        raise UserError(
            f"{self._run.folder.datasets / NAME} lacks episodes of "
            f"{', '.join(condition.trials)}: run `wtl evaluate` again"
        )

    @property
    def _staging(self) -> pathlib.Path:
        return self._own.datasets.staging(NAME, self._key)

    def _spec(self, condition: Condition) -> "OwnPolicyActor":
        spec = self._run.suite.world.spec.action
        return OwnPolicyActor(self._policy, spec, self._demos, self._trials)

    def _config(self, condition: Condition) -> interface.Interface:
        return config_for(condition.method, self._run.suite)


class OwnPolicyActor:
    """Policy that is called for one episode; see `episode_loop.Actor`."""

    privileged: ClassVar[bool] = False

    def __init__(
        self,
        policy: Any,
        spec: specs.BoundedArray,
        demos: reader.EpisodesById,
        trials: reader.EpisodesById | None,
    ):
        """Wrap a policy.

        Args:
          policy: see `wtl.evaluate`.
          spec: spec of its actions.
          demos: the demonstrations.
          trials: the trials, if any are given.
        """
        self._policy = policy
        self._act = getattr(policy, "act", policy)
        self._spec = spec
        self._demos, self._trials = demos, trials

    def play(
        self, environments: VectorEnvironment, requests: Sequence[EpisodeRequest]
    ) -> list[Episode]:
        """Play one request."""
        return episode_loop.play(environments, self, requests)

    def begin(self, environments, requests: Sequence[EpisodeRequest], observed):
        """Give the policy the demonstrations and trials of an episode."""
        del environments, observed
        (self._request,) = requests
        self._step = 0
        if hasattr(self._policy, "reset"):
            self._policy.reset(
                demos=[self._demos[name] for name in self._request.demo_ids],
                trials=[self._trials[name] for name in self._request.trial_ids],
            )

    def act(self, observed: Observations) -> tuple[np.ndarray, None]:
        """Return the policy's action, checked, as [1, A]."""
        given = {name: value[0] for name, value in observed.items()}
        chosen = np.asarray(self._act(given))
        if fault := action.fault(chosen, self._spec):
            task = self._request.scene.task.task_id
            raise UserError(f"task {task}, step {self._step}: the action {fault}")
        self._step += 1
        return chosen[None].astype(self._spec.dtype), None

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        """Return the policy's id, if it has one, and the parents of an episode."""
        return {
            "policy_id": getattr(self._policy, "policy_id", ""),
            "parent_demo_ids": request.demo_ids if takes_demos(self._policy) else (),
            "parent_trial_ids": request.trial_ids,
        }
