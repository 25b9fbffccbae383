"""Plays the conditions of an evaluation and publishes their episodes."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import tqdm

from wtl.collection import episode_request, policy_actor
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.worlds.entities import environment
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import EpisodeStore, stack
from wtl.datasets.sampling import negatives
from wtl.datasets.storage import staging
from wtl.evaluation import protocol, rollout_row
from wtl.pipeline import episodes
from wtl.pipeline.beam_runner import BeamRunner
from wtl.pipeline.collect_trials import actor_spec
from wtl.pipeline.run import Run
from wtl.policies import interface

NAME = fields.WTL_EVALUATIONS
BATCH = 400  # rollouts played side by side, and made durable at once
_MIN_DEMONSTRATED = 0.95


class Player:
    """Plays the conditions of an evaluation; what is played survives an interruption.

    Episodes wait on disk: images of all conditions would not fit into memory.

    Attributes:
      layout: of the states.
      pairs: the demonstrations and scenes that all arms share.
      demos: demonstrations of the split, with images where there are any.
      demo_rows: [pairs, K] rows of `demos` given for each pair, or -1.
      videos: human videos of the split, or None if no arm is given any.
      video_rows: [pairs, K] likewise of `videos`.
      played: episodes by arm, a row for each pair; without images.
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
        """Reads the demonstrations.

        Args:
          run: its policies play.
          key: of the stage, see `Run.staging`.
          split: of the tasks.
          scenes_per_task: pairs of a demonstration and a scene, of each task.
          demos_shown: K, demonstrations given to each policy.
          human: whether an arm is given human videos.

        Raises:
          UserError: if demonstrations are missing, or do not fit the suite.
        """
        self._run = run
        self.layout = run.suite.layout
        self._key = key
        self._split = split
        self._demos_shown = demos_shown
        self.demos = self._stored(fields.WTL_DEMOS)
        planned = protocol.pairs(run.suite, split, scenes_per_task)
        rows = self._find(self.demos, planned)
        # A scene whose expert failed is left out for every arm.
        there = rows[:, 0] >= 0
        self.videos, video_rows = None, rows
        if human:
            self.videos = self._stored(fields.WTL_HUMAN_VIDEOS)
            video_rows = self._find(self.videos, planned)
            there &= video_rows[:, 0] >= 0
        self.pairs = [p for p, shown in zip(planned, there, strict=True) if shown]
        self.demo_rows, self.video_rows = rows[there], video_rows[there]
        if len(self.pairs) < _MIN_DEMONSTRATED * len(planned):
            raise UserError(
                f"only {len(self.pairs)} of {len(planned)} evaluation scenes are "
                f"demonstrated in {run.dataset(fields.WTL_DEMOS)}; the suite has "
                "changed since: run `wtl collect_demos` with this configuration first"
            )
        self.played: dict[str, EpisodeStore] = {}

    def _stored(self, name: str) -> EpisodeStore:
        """Episodes of the split, which the actors of this process share."""
        path = self._run.require(name).absolute()
        return policy_actor.stored(path, self._split, bool(self._run.camera))

    def _find(
        self, store: EpisodeStore, planned: Sequence[protocol.Pair]
    ) -> np.ndarray:
        """[B, K] rows of what is shown of each pair, its own first, or -1."""
        row_of = {
            (task, int(seed)): row
            for row, (task, seed) in enumerate(
                zip(
                    store[fields.TASK_ID].tolist(),
                    store[fields.SCENE_SEED].tolist(),
                    strict=True,
                )
            )
        }
        of_task: dict[str, list[int]] = {}
        for (task, _), row in row_of.items():
            of_task.setdefault(task, []).append(row)
        result = []
        for pair in planned:
            own = row_of.get((pair.task.task_id, pair.demo_seed), -1)
            others = [r for r in of_task.get(pair.task.task_id, []) if r != own]
            rows = ([own] + others)[: self._demos_shown]
            result.append(rows + [-1] * (self._demos_shown - len(rows)))
        return np.array(result)

    def shown(self, arm: protocol.Arm) -> tuple[EpisodeStore, np.ndarray]:
        """What an arm is shown to imitate: a store, and [pairs, K] rows of it."""
        if arm.human:
            return self.videos, self.video_rows
        return self.demos, self.demo_rows

    def play(
        self, arms: Sequence[protocol.Arm], beam: BeamRunner | None
    ) -> list[rollout_row.RolloutRow]:
        """Plays arms in order, publishes the episodes and returns a row of each.

        Args:
          arms: each after those whose episodes are its trials.
          beam: Apache Beam, where it is to play; None for processes of our own.
        """
        run = dataclasses.replace(self._run, beam=beam)
        with (
            staging.StagingWriter(self._staging, run.spec_of(NAME)) as writer,
            tqdm.tqdm(
                total=len(arms) * len(self.pairs), desc="evaluation", unit="episode"
            ) as bar,
        ):
            if beam:
                beam.adopt(writer)
            # Trials are staged before the conditions that they are given to.
            for together in protocol.rounds(arms):
                there = writer.episode_ids
                shards = [shard for arm in together for shard in self.shards(arm)]
                todo = [s for s in shards if not there.issuperset(s.episode_ids)]
                todo_count = sum(len(shard.requests) for shard in todo)
                bar.update(len(together) * len(self.pairs) - todo_count)
                for shard, _ in episodes.staged(run, todo, writer):
                    bar.update(len(shard.requests))
        run.publish(NAME, self._key, {"stage": "evaluate", "split": self._split})
        published = run.read(NAME, self._split)
        wanted = {name for arm in arms for name in self._episode_ids(arm)}
        if not wanted <= published.index_by_id.keys():
            raise UserError(
                f"{run.dataset(NAME)} holds what an earlier version of WTL played; "
                f"remove it and {self._staging} to evaluate anew"
            )
        self.played = {
            arm.name: published.select(published.rows(self._episode_ids(arm)))
            for arm in arms
        }
        return [row for arm in arms for row in self._rows(arm)]

    def recorded(self, arm: protocol.Arm, which: Sequence[int]) -> EpisodeStore:
        """Episodes that an arm has played, with images where there are any.

        Args:
          arm: one that has been played.
          which: numbers of pairs.
        """
        names = self._episode_ids(arm, which)
        found = {e.id: e for e in staging.iterate_staged(self._staging, set(names))}
        return stack([found[name] for name in names])

    def actor(self, arm: protocol.Arm) -> policy_actor.PolicyActor:
        """The policy of an arm, with its context builder."""
        return policy_actor.actor_of(self._spec(arm))

    def committed(self, arm: protocol.Arm, which: Sequence[int]) -> np.ndarray:
        """Slots [N] of the targets that an arm's policy chose in pairs."""
        recorded, actor = self.recorded(arm, which), self.actor(arm)
        first = {fields.STATE: recorded.state[:, 0]}
        if recorded.image is not None:
            first[fields.IMAGE] = recorded.image[:, 0]
        context = actor.builder.build(self.requests(arm, which), first)
        return actor.builder.encoder.committed(actor.policy.encode_context(context))

    @property
    def _staging(self) -> pathlib.Path:
        return self._run.staging(NAME, self._key).absolute()

    def _spec(self, arm: protocol.Arm) -> policy_actor.PolicyActorSpec:
        spec = actor_spec(
            self._run, arm.method, self._split, self._staging if arm.trials else None
        )
        if arm.human:
            videos = self._run.require(fields.WTL_HUMAN_VIDEOS).absolute()
            spec = dataclasses.replace(spec, demos_dir=videos, human=True)
        return spec

    def _config(self, arm: protocol.Arm) -> interface.Interface:
        return self.actor(arm).builder.config

    def shard(self, arm: protocol.Arm, which: Sequence[int]) -> EpisodeShard:
        """Episodes of an arm in some pairs."""
        requests = tuple(self.requests(arm, which))
        return EpisodeShard(self._spec(arm), requests, self._run.camera)

    def shards(self, arm: protocol.Arm) -> list[EpisodeShard]:
        """Episodes of an arm, up to `BATCH` at once; its trials are staged already."""
        return episode_request.shards(
            self._spec(arm), self.requests(arm), BATCH, self._run.camera
        )

    def requests(
        self, arm: protocol.Arm, which: Sequence[int] | None = None
    ) -> list[EpisodeRequest]:
        """Episodes of an arm in some pairs, all by default."""
        if which is None:
            which = range(len(self.pairs))
        store, rows = self.shown(arm)
        names = store[fields.EPISODE_ID]
        success = self._trial_success(arm, which)
        result = []
        for number, (i, trial_ids) in enumerate(
            zip(which, self._trial_ids(arm, which), strict=True)
        ):
            pair = self.pairs[i]
            choice_seed = None
            if arm.sampled:
                choice_seed = seeding.derive_seed(
                    self._run.seed, arm.name, pair.seed(arm)
                )
            result.append(
                EpisodeRequest(
                    scene=self._setup(arm, pair),
                    episode_id=self._episode_id(arm, pair),
                    role=self._role(arm),
                    choice_seed=choice_seed,
                    demo_ids=tuple(str(names[row]) for row in rows[i] if row >= 0),
                    trial_ids=trial_ids,
                    trial_success=success[number] if success else (),
                    trial_index=len(arm.trials),
                    rule=str(pair.task.rule),
                )
            )
        return result

    def _setup(self, arm: protocol.Arm, pair: protocol.Pair) -> environment.Setup:
        setup = environment.Setup.by_rule(pair.task, pair.task.rule, pair.seed(arm))
        return dataclasses.replace(setup, attempt=f"evaluation {len(arm.trials)}")

    def _episode_ids(
        self, arm: protocol.Arm, which: Sequence[int] | None = None
    ) -> list[str]:
        pairs = self.pairs if which is None else [self.pairs[i] for i in which]
        return [self._episode_id(arm, pair) for pair in pairs]

    def _episode_id(self, arm: protocol.Arm, pair: protocol.Pair) -> str:
        # The seed tells arms apart: a new arm leaves the ids of the others alone.
        seed = seeding.derive_seed(self._run.seed, arm.name, pair.seed(arm))
        return episode.episode_id(
            NAME, pair.task.task_id, self._role(arm), pair.index, seed
        )

    def _role(self, arm: protocol.Arm) -> str:
        return fields.ROLE_RETRIAL if arm.trials else fields.ROLE_EVAL

    def _trial_ids(
        self, arm: protocol.Arm, which: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """Ids of the episodes that an arm's policy is given as trials of some pairs."""
        if not arm.trials:
            return [()] * len(which)
        config = self._config(arm)
        if config.trials_from == interface.DEMO:
            return [()] * len(which)
        if config.trials_from == interface.ANOTHER_TASK:
            which = self._strangers(which)
        shown = [self._episode_ids(protocol.arm(name), which) for name in arm.trials]
        return list(zip(*shown, strict=True))

    def _trial_success(
        self, arm: protocol.Arm, which: Sequence[int]
    ) -> list[tuple[bool, ...]]:
        """Success given with the trials in place of theirs; empty to give theirs."""
        if not arm.trials or self._config(arm).trial_success != interface.SHUFFLED:
            return []
        others = self._strangers(which)
        success = [
            self.recorded(protocol.arm(name), others)[fields.SUCCESS].tolist()
            for name in arm.trials
        ]
        return list(zip(*success, strict=True))

    def _strangers(self, which: Sequence[int]) -> list[int]:
        """For each of some pairs one of another task, always the same."""
        tasks = negatives.Strangers(np.array([p.task.task_id for p in self.pairs]))
        result = []
        for i in which:
            pair = self.pairs[i]
            named = (pair.task.task_id, pair.index)
            rng = seeding.generator(self._run.seed, "another task", *named)
            result += tasks.draw(rng, np.array([i])).tolist()
        return result

    def _rows(self, arm: protocol.Arm) -> list[rollout_row.RolloutRow]:
        store, rows = self.shown(arm)
        played = self.played[arm.name]
        achieved, success = played[fields.HIDDEN_ACHIEVED], played[fields.SUCCESS]
        wrong = (achieved >= 0) & (achieved != played[fields.HIDDEN_TARGET])
        trials = [self.played[name] for name in arm.trials]
        config, scene_seeds = self._config(arm), store[fields.SCENE_SEED]
        return [
            rollout_row.RolloutRow(
                method=arm.name,
                task_id=pair.task.task_id,
                family=pair.task.family,
                rule=str(pair.task.rule),
                pair=pair.index,
                scene_seed=pair.seed(arm),
                demo_id=str(store[fields.EPISODE_ID][rows[i, 0]]),
                trial_ids=tuple(played[fields.PARENT_TRIAL_IDS][i]),
                episode_id=str(played[fields.EPISODE_ID][i]),
                success=bool(success[i]),
                wrong_target=bool(wrong[i]),
                conflict=pair.readings(arm).conflict,
                ceiling=protocol.arm_ceiling(
                    arm,
                    pair,
                    self._run.suite,
                    config,
                    [int(scene_seeds[r]) for r in rows[i] if r >= 0],
                ),
                trial_success=bool(trials[-1][fields.SUCCESS][i]) if trials else None,
            )
            for i, pair in enumerate(self.pairs)
        ]
