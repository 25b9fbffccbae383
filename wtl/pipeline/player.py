"""Play of the conditions of an evaluation, and publication of their episodes."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from wtl.collection import episode_request, policy_actor
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.datasets.reading.store import EpisodeStore, stack
from wtl.datasets.sampling import negatives
from wtl.datasets.storage import staging
from wtl.evaluation import rollout_row
from wtl.evaluation.scenario import Scenario, oracle_bound_of, scenarios
from wtl.pipeline import episodes
from wtl.pipeline.collect_trials import actor_spec
from wtl.pipeline.run import Run
from wtl.policies import interface
from wtl.policies.methods import CONDITIONS, Condition, rounds, uses_human_videos
from wtl.policies.methods.record import LIKELIEST, SAMPLED, SAMPLED_AFTER_FAILURE

NAME = fields.WTL_EVALUATIONS
BATCH = 400  # rollouts played side by side, and staged together
_MIN_DEMONSTRATED = 0.5  # share of the scenes; with fewer, the suite is another one


class Player:
    """Plays the conditions of an evaluation; played episodes survive an interruption.

    Episodes are kept on disk: images of all conditions would not fit into memory.

    Attributes:
      layout: layout of the states.
      renderer: of the world, if it has one, and it knows the camera.
      scenarios: the demonstrations and scenes that all conditions share.
      demos: demonstrations of the split, with images if there are any.
      demo_rows: [scenarios, K] rows of `demos` given for each scenario, or -1.
      videos: human videos of the split, or None if no condition is given any.
      video_rows: [scenarios, K] likewise of `videos`.
      played: episodes by condition, a row for each scenario; without images.
    """

    def __init__(
        self,
        run: Run,
        key: str,
        split: str,
        scenes_per_task: int,
        demos_shown: int = 1,
        human: bool = False,
    ):
        """Read the demonstrations.

        Args:
          run: the run whose policies play.
          key: key of the stage, see `Run.staging`.
          split: split of the tasks.
          scenes_per_task: scenarios of a demonstration and a scene, of each task.
          demos_shown: K, demonstrations given to each policy.
          human: whether a condition is given human videos.

        Raises:
          UserError: if demonstrations are missing, or do not fit the suite.
        """
        self._run = run
        self.layout = run.suite.layout
        world = run.suite.world
        self.renderer = None if run.camera.varied else world.renderer
        self._oracle_bound = world.oracle_bound and world.oracle_bound(run.suite)
        self._key = key
        self._split = split
        self._demos_shown = demos_shown
        self.demos = self._stored(fields.WTL_DEMOS)
        planned = scenarios(run.suite, split, scenes_per_task)
        rows = self._find(self.demos, planned)
        # A scene where the expert failed is excluded for every condition.
        there = rows[:, 0] >= 0
        self.videos, video_rows = None, rows
        if human:
            self.videos = self._stored(fields.WTL_HUMAN_VIDEOS)
            video_rows = self._find(self.videos, planned)
            there &= video_rows[:, 0] >= 0
        self.scenarios = [p for p, shown in zip(planned, there, strict=True) if shown]
        self.demo_rows, self.video_rows = rows[there], video_rows[there]
        found, path = len(self.scenarios), run.datasets.path(fields.WTL_DEMOS)
        if found < _MIN_DEMONSTRATED * len(planned):
            raise UserError(
                f"only {found} of {len(planned)} evaluation scenes are demonstrated in "
                f"{path}; the suite has changed since, or they are not all recorded by "
                "hand: run `wtl collect_demos` with this configuration first"
            )
        if found < len(planned):
            print(
                f"{len(planned) - found} of {len(planned)} evaluation scenes are left "
                f"out: {path} has no demonstration of them, as where an expert fails"
            )
        self.played: dict[str, EpisodeStore] = {}

    def _stored(self, name: str) -> EpisodeStore:
        """Episodes of the split, which the actors of this process share."""
        path = self._run.datasets.require(name).absolute()
        return policy_actor.stored(
            path, self._split, frozenset(self._run.images.items())
        )

    def _find(self, store: EpisodeStore, planned: Sequence[Scenario]) -> np.ndarray:
        """[B, K] rows given for each scenario, its own demonstration first, or -1."""
        keys = zip(
            store[fields.TASK_ID].tolist(),
            store[fields.SCENE_SEED].tolist(),
            strict=True,
        )
        row_of = {(task, int(seed)): row for row, (task, seed) in enumerate(keys)}
        result = []
        for scenario in planned:
            task = scenario.task.task_id
            own = row_of.get((task, scenario.demo_seed), -1)
            others = [r for (t, _), r in row_of.items() if t == task and r != own]
            rows = ([own] + others)[: self._demos_shown]
            result.append(rows + [-1] * (self._demos_shown - len(rows)))
        return np.array(result)

    def shown(self, condition: Condition) -> tuple[EpisodeStore, np.ndarray]:
        """Return the demonstrations of a condition: a store and [scenarios, K] rows."""
        if uses_human_videos(condition):
            return self.videos, self.video_rows
        return self.demos, self.demo_rows

    def play(self, conditions: Sequence[Condition]) -> list[rollout_row.RolloutRow]:
        """Play conditions in order, publish the episodes and return a row of each.

        Args:
          conditions: each after those whose episodes are its trials.
        """
        run = self._run
        with (
            staging.StagingWriter(self._staging, run.datasets.spec(NAME)) as writer,
            progress(
                total=len(conditions) * len(self.scenarios),
                desc="evaluation",
                unit="episode",
            ) as bar,
        ):
            if run.beam:
                run.beam.adopt(writer)
            # Trials are staged before the conditions that they are given to.
            for together in rounds(conditions):
                shards = [
                    shard for condition in together for shard in self.shards(condition)
                ]
                for _ in episodes.play(run, shards, writer, bar):
                    pass
        run.datasets.publish(
            NAME, self._key, {"stage": "evaluate", "split": self._split}
        )
        published = run.datasets.read(NAME, self._split)
        wanted = {
            name for condition in conditions for name in self._episode_ids(condition)
        }
        if not wanted <= published.index_by_id.keys():
            raise UserError(
                f"{run.datasets.path(NAME)} was played by an earlier version of WTL; "
                f"remove it and {self._staging} to evaluate anew"
            )
        self.played = {
            condition.name: published.select(
                published.rows(self._episode_ids(condition))
            )
            for condition in conditions
        }
        return [row for condition in conditions for row in self._rows(condition)]

    def recorded(self, condition: Condition, which: Sequence[int]) -> EpisodeStore:
        """Return episodes that a condition has played, with images if there are any.

        Args:
          condition: one that has been played.
          which: numbers of scenarios.
        """
        names = self._episode_ids(condition, which)
        found = {e.id: e for e in staging.iterate_staged(self._staging, set(names))}
        return stack([found[name] for name in names])

    def actor(self, condition: Condition) -> policy_actor.PolicyActor:
        """Return the policy of a condition, with its context builder."""
        return policy_actor.actor_of(self._spec(condition))

    def selected_targets(
        self, condition: Condition, which: Sequence[int]
    ) -> np.ndarray:
        """Return slots [N] of the targets that a policy selected in scenarios."""
        recorded, actor = self.recorded(condition, which), self.actor(condition)
        first = {fields.STATE: recorded.state[:, 0]}
        first |= {name: array[:, 0] for name, array in recorded.images.items()}
        state = actor.encode(self.requests(condition, which), first)
        return actor.builder.encoder.selected_targets(state)

    @property
    def _staging(self) -> pathlib.Path:
        return self._run.datasets.staging(NAME, self._key).absolute()

    def _spec(self, condition: Condition) -> policy_actor.PolicyActorSpec:
        spec = actor_spec(
            self._run,
            condition.method,
            self._split,
            self._staging if condition.trials else None,
        )
        if uses_human_videos(condition):
            videos = self._run.datasets.require(fields.WTL_HUMAN_VIDEOS).absolute()
            spec = dataclasses.replace(spec, demos_dir=videos, human=True)
        return spec

    def _config(self, condition: Condition) -> interface.Interface:
        return self.actor(condition).builder.config

    def shard(self, condition: Condition, which: Sequence[int]) -> EpisodeShard:
        """Return the shard of a condition in some scenarios."""
        requests = tuple(self.requests(condition, which))
        return EpisodeShard(self._spec(condition), requests, self._run.camera)

    def shards(self, condition: Condition) -> list[EpisodeShard]:
        """Return the shards of a condition; its trials are staged."""
        return episode_request.shards(
            self._spec(condition), self.requests(condition), BATCH, self._run.camera
        )

    def requests(
        self, condition: Condition, which: Sequence[int] | None = None
    ) -> list[EpisodeRequest]:
        """Return the requests of a condition in some scenarios, all by default."""
        if which is None:
            which = range(len(self.scenarios))
        store, rows = self.shown(condition)
        names = store[fields.EPISODE_ID]
        success = self._trial_success(condition, which)
        sampled, passed_over = self._choices(condition, which)
        attempt, result = f"evaluation {len(condition.trials)}", []
        for number, (i, trial_ids) in enumerate(
            zip(which, self._trial_ids(condition, which), strict=True)
        ):
            scenario = self.scenarios[i]
            seed = self._seed(condition, scenario)
            result.append(
                EpisodeRequest(
                    scene=dataclasses.replace(
                        scenario.task.scene(scenario.seed(condition)), attempt=attempt
                    ),
                    episode_id=self._episode_id(condition, scenario),
                    role=self._role(condition),
                    choice_seed=seed if sampled[number] else None,
                    passed_over=passed_over[number],
                    demo_ids=tuple(str(names[row]) for row in rows[i] if row >= 0),
                    trial_ids=trial_ids,
                    trial_success=success[number] if success else (),
                    trial_index=len(condition.trials),
                    rule=str(scenario.task.rule),
                )
            )
        return result

    def _episode_ids(
        self, condition: Condition, which: Sequence[int] | None = None
    ) -> list[str]:
        which = range(len(self.scenarios)) if which is None else which
        return [self._episode_id(condition, self.scenarios[i]) for i in which]

    def _episode_id(self, condition: Condition, scenario: Scenario) -> str:
        # With the seed, ids of other conditions stay when one is added.
        seed = self._seed(condition, scenario)
        return episode.episode_id(
            NAME, scenario.task.task_id, self._role(condition), scenario.index, seed
        )

    def _seed(self, condition: Condition, scenario: Scenario) -> int:
        named = (condition.name, scenario.seed(condition))
        return seeding.derive_seed(self._run.seed, *named)

    def _role(self, condition: Condition) -> str:
        return fields.ROLE_RETRIAL if condition.trials else fields.ROLE_EVAL

    def _trial_ids(
        self, condition: Condition, which: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """Ids of the trials that a condition is given in some scenarios."""
        if not condition.trials:
            return [()] * len(which)
        config = self._config(condition)
        if config.trials_from == interface.DEMO:
            return [()] * len(which)
        if config.trials_from == interface.ANOTHER_TASK:
            which = self._others(which)
        shown = [
            self._episode_ids(CONDITIONS[name], which) for name in condition.trials
        ]
        return list(zip(*shown, strict=True))

    def _trial_success(
        self, condition: Condition, which: Sequence[int]
    ) -> list[tuple[bool, ...]]:
        """Success given with the trials in place of theirs; empty to give theirs."""
        if (
            not condition.trials
            or self._config(condition).trial_success != interface.SHUFFLED
        ):
            return []
        others = self._others(which)
        success = [self._successes(name, others) for name in condition.trials]
        return list(zip(*success, strict=True))

    def _successes(self, name: str, which: Sequence[int]) -> list[bool]:
        """Success in some scenarios of a condition that has been played."""
        names = self._episode_ids(CONDITIONS[name], which)
        staged = staging.iterate_staged(self._staging, set(names))
        found = {episode.id: episode.metadata[fields.SUCCESS] for episode in staged}
        return [bool(found[name]) for name in names]

    def _choices(
        self, condition: Condition, which: Sequence[int]
    ) -> tuple[list[bool], list[int]]:
        """Whether each target is sampled, and how many likelier ones are passed over.

        See `Condition.choice`.
        """
        count = len(which)
        if condition.choice in (LIKELIEST, SAMPLED):
            return [condition.choice == SAMPLED] * count, [0] * count
        success = [self._successes(name, which) for name in condition.trials]
        if condition.choice == SAMPLED_AFTER_FAILURE:
            return [not succeeded for succeeded in success[-1]], [0] * count
        return [False] * count, [each.count(False) for each in zip(*success)]

    def _others(self, which: Sequence[int]) -> list[int]:
        """For each of some scenarios one of another task, always the same."""
        tasks = negatives.Negatives(np.array([p.task.task_id for p in self.scenarios]))
        result = []
        for i in which:
            scenario = self.scenarios[i]
            named = (scenario.task.task_id, scenario.index)
            rng = seeding.generator(self._run.seed, "another task", *named)
            result += tasks.draw(rng, np.array([i])).tolist()
        return result

    def _rows(self, condition: Condition) -> list[rollout_row.RolloutRow]:
        store, rows = self.shown(condition)
        played = self.played[condition.name]
        achieved, success = played[fields.HIDDEN_ACHIEVED], played[fields.SUCCESS]
        wrong = (achieved >= 0) & (achieved != played[fields.HIDDEN_TARGET])
        trials = [self.played[name] for name in condition.trials]
        tried = [
            (self.layout.acted_slots(each.state), each[fields.SUCCESS])
            for each in (trials if self._oracle_bound else ())
        ]
        config, scene_seeds = self._config(condition), store[fields.SCENE_SEED]
        bound = self._oracle_bound
        count_open = getattr(bound, "open_targets", None)
        return [
            rollout_row.RolloutRow(
                method=condition.name,
                task_id=scenario.task.task_id,
                family=scenario.task.family,
                rule=str(scenario.task.rule),
                pair=scenario.index,
                scene_seed=scenario.seed(condition),
                demo_id=str(store[fields.EPISODE_ID][rows[i, 0]]),
                trial_ids=tuple(played[fields.PARENT_TRIAL_IDS][i]),
                episode_id=str(played[fields.EPISODE_ID][i]),
                success=bool(success[i]),
                wrong_target=bool(wrong[i]) if self.layout.kinds else None,
                conflict=bound
                and bound.conflict(
                    scenario.task, scenario.demo_seed, scenario.seed(condition)
                ),
                open_targets=count_open
                and count_open(
                    scenario.task, scenario.demo_seed, scenario.seed(condition)
                ),
                ceiling=oracle_bound_of(
                    condition,
                    scenario,
                    bound,
                    config,
                    [int(scene_seeds[r]) for r in rows[i] if r >= 0],
                    [(int(acted[i]), bool(won[i])) for acted, won in tried],
                ),
                trial_success=bool(trials[-1][fields.SUCCESS][i]) if trials else None,
            )
            for i, scenario in enumerate(self.scenarios)
        ]
