"""Plays the arms of an evaluation, in this process or in others."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from wtl.collection import (
    context_builder,
    observation_encoder,
    rollout,
    vector_environment,
)
from wtl.collection.worlds.entities import environment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import EpisodeStore, stack
from wtl.datasets.sampling import negatives
from wtl.datasets.storage import staging
from wtl.evaluation import protocol, rollout_row
from wtl.pipeline import rollouts
from wtl.pipeline.beam_runner import BeamRunner
from wtl.pipeline.evaluation import Evaluation
from wtl.policies import export, interface
from wtl.policies.contextual import context as contexts
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

NAME = fields.WTL_EVALUATIONS
BATCH = 400  # rollouts played in lockstep, and made durable at once
_MIN_DEMONSTRATED = 0.95


@functools.lru_cache(maxsize=1)
def player_of(evaluation: Evaluation) -> "Player":
    """The player of an evaluation, made once in each process."""
    return Player(evaluation)


@dataclasses.dataclass(frozen=True)
class ArmShard:
    """Rollouts of one arm, played in lockstep; see `wtl.collection.shard.Shard`.

    Attributes:
      evaluation: what they are of.
      arm: name of the arm, whose trials are staged already.
      pairs: numbers of the pairs. What rounds depends on how many there are, so a
        shard is always played whole.
      episode_ids: ids of the episodes.
    """

    evaluation: Evaluation
    arm: str
    pairs: range
    episode_ids: tuple[str, ...]

    def play(self) -> list[Episode]:
        """Plays them in this process."""
        run = self.evaluation.run
        with vector_environment.environments_of_this_process(
            run.pixels, run.wrist
        ) as pool:
            return self.play_in(pool)

    def play_in(
        self,
        environments: vector_environment.EnvironmentPool
        | vector_environment.Environments,
    ) -> list[Episode]:
        """Plays them in environments that are there already."""
        player = player_of(self.evaluation)
        return player.play_arm(environments, protocol.arm(self.arm), self.pairs)


class Player:
    """Plays arms; what has been played survives an interruption.

    Episodes wait on disk: images of all arms would not fit into memory.

    Attributes:
      layout: of the states.
      pairs: the demonstrations and scenes that all arms share.
      demos: demonstrations of the split, with images where there are any.
      demo_rows: [pairs, K] rows of `demos` shown for each pair, or -1.
      videos: videos of humans of the split, or None if nobody is shown any.
      video_rows: [pairs, K] likewise of `videos`.
      played: episodes by arm, a row for each pair; without images.
    """

    def __init__(self, evaluation: Evaluation):
        """Reads what is shown.

        Raises:
          UserError: if that is missing, or does not fit the suite.
        """
        run, split = evaluation.run, evaluation.split
        self._evaluation = evaluation
        self._run = run
        self.layout = run.suite.layout
        self._key = evaluation.key
        self._split = split
        self._demos_shown = evaluation.demos_shown
        self.demos = run.read(fields.WTL_DEMOS, split, with_images=True)
        planned = protocol.pairs(run.suite, split, evaluation.scenes_per_task)
        rows = self._find(self.demos, planned)
        # A scene whose demonstrator failed is left out for every arm.
        there = rows[:, 0] >= 0
        self.videos, video_rows = None, rows
        if evaluation.human:
            self.videos = run.read(fields.WTL_HUMAN_VIDEOS, split, with_images=True)
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
        self._policies: dict[str, Any] = {}

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
            # What is played in order needs no rounds.
            for together in protocol.rounds(arms) if beam else [arms]:
                there = writer.episode_ids
                shards = [shard for arm in together for shard in self._shards(arm)]
                todo = [s for s in shards if not there.issuperset(s.episode_ids)]
                todo_count = sum(len(shard.pairs) for shard in todo)
                bar.update(len(together) * len(self.pairs) - todo_count)
                for shard in rollouts.staged(run, todo, writer):
                    bar.set_postfix(arm=shard.arm)
                    bar.update(len(shard.pairs))
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

    def eyes(self, arm: protocol.Arm) -> observation_encoder.Sight:
        """The way in which the policy of an arm sees."""
        return observation_encoder.Sight(self._policy(arm), self.layout)

    def committed(self, arm: protocol.Arm, which: Sequence[int]) -> np.ndarray:
        """Slots [N] of the targets that an arm's policy chose in pairs, as it sees."""
        recorded, eyes = self.recorded(arm, which), self.eyes(arm)
        first = {fields.STATE: recorded.state[:, 0]}
        if recorded.image is not None:
            first[fields.IMAGE] = recorded.image[:, 0]
        context = self._context(arm, which, eyes, eyes.first(first))
        return eyes.committed(self._policy(arm).encode_context(context))

    @property
    def _staging(self) -> pathlib.Path:
        return self._run.staging(NAME, self._key)

    def _policy(self, arm: protocol.Arm):
        folder = METHODS[arm.method].folder
        if folder not in self._policies:
            self._policies[folder] = export.load(
                self._run.folder.policies / folder / "saved_model",
                self.layout.state_size,
                self._run.pixels,
            )
        return self._policies[folder]

    def _config(self, arm: protocol.Arm) -> interface.Interface:
        config = config_for(arm.method, self._run.suite)
        return export.as_saved(config, self._policy(arm))

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
        return episodes.episode_id(
            NAME, pair.task.task_id, self._role(arm), pair.index, seed
        )

    def _role(self, arm: protocol.Arm) -> str:
        return fields.ROLE_RETRIAL if arm.trials else fields.ROLE_EVAL

    def _shards(self, arm: protocol.Arm) -> list[ArmShard]:
        """All pairs of an arm, up to `BATCH` at once."""
        starts = range(0, len(self.pairs), BATCH)
        parts = [range(len(self.pairs))[start : start + BATCH] for start in starts]
        return [
            ArmShard(self._evaluation, arm.name, p, tuple(self._episode_ids(arm, p)))
            for p in parts
        ]

    def play_arm(
        self,
        pool: vector_environment.EnvironmentPool | vector_environment.Environments,
        arm: protocol.Arm,
        which: Sequence[int],
    ) -> list[Episode]:
        """Plays an arm in lockstep.

        Args:
          pool: the environments.
          arm: whose trials are staged already.
          which: numbers of N pairs.

        Returns:
          N episodes.
        """
        policy, eyes = self._policy(arm), self.eyes(arm)
        pairs = [self.pairs[i] for i in which]
        observed = pool.reset([self._setup(arm, pair) for pair in pairs])
        context = self._context(arm, which, eyes, eyes.first(observed))
        store, rows = self.shown(arm)
        identifier = export.policy_id(policy)
        metadata = [
            {
                "episode_id": self._episode_id(arm, self.pairs[i]),
                "role": self._role(arm),
                "policy_id": identifier,
                "parent_demo_ids": (
                    tuple(str(store[fields.EPISODE_ID][r]) for r in rows[i] if r >= 0)
                    if METHODS[arm.method].config.demos
                    else ()
                ),
                "parent_trial_ids": trial_ids,
                "trial_index": len(arm.trials),
                "hidden_rule": str(self.pairs[i].task.rule),
            }
            for i, trial_ids in zip(which, self._trial_ids(arm, which), strict=True)
        ]
        return rollout.rollout(
            pool, policy, policy.encode_context(context), observed, metadata, eyes.sees
        )

    def _context(
        self,
        arm: protocol.Arm,
        which: Sequence[int],
        eyes: observation_encoder.Sight,
        states: np.ndarray,
    ) -> contexts.Context:
        """What the policy of an arm is shown of some pairs.

        Args:
          arm: the arm.
          which: numbers of N pairs.
          eyes: of its policy.
          states: [N, S] first states of the episodes to be played, as it sees them.
        """
        count = len(which)
        config = self._config(arm)
        state_size = self.layout.state_size
        demos = trials = context_builder.nothing_shown(count, config, state_size)
        if config.demos:
            store, rows = self.shown(arm)
            demos = context_builder.Conditioner(
                store, config, eyes, own=not arm.human
            ).shown(rows[list(which)])
        if arm.trials:
            shown = [
                self._trials(protocol.arm(name), which, config, eyes)
                for name in arm.trials
            ]
            trials = contexts.Shown(
                *(tf.concat(parts, axis=1) for parts in zip(*shown, strict=True))
            )
        pairs = [self.pairs[i] for i in which]
        gumbel = np.zeros((count, config.choices), np.float32)
        if arm.sampled:
            for i, pair in enumerate(pairs):
                rng = seeding.generator(self._run.seed, arm.name, pair.seed(arm))
                gumbel[i] = rng.gumbel(size=config.choices)
        setups = [self._setup(arm, pair) for pair in pairs]
        # Eyes count from the left; the order of slots is a matter of stored states.
        slot_of = environment.place_of if eyes.has_eyes else environment.slot_of
        slots = [
            slot_of(s.task, s.task.object_set.scene(s.scene_seed), s.target)
            for s in setups
        ]
        return contexts.Context(
            demos=demos,
            trials=trials,
            truth=context_builder.truth(np.array(slots), [s.task for s in setups]),
            state=states,
            gumbel=gumbel,
        )

    def _trials(
        self,
        arm: protocol.Arm,
        which: Sequence[int],
        config: interface.Interface,
        eyes: observation_encoder.Sight,
    ) -> contexts.Shown:
        """An arm's episodes of some pairs as trials, or of others for who is misled."""
        played = which
        if config.trials_from == interface.ANOTHER_TASK:
            played = self._strangers(which)
        store = self.recorded(arm, played)
        order = np.arange(len(which))[:, None]
        shown = context_builder.Conditioner(store, config, eyes).shown(order)
        if config.trial_success == interface.SHUFFLED:
            told = self.recorded(arm, self._strangers(which))[fields.SUCCESS]
            success = np.where(told, 1.0, -1.0).astype(np.float32)
            shown = shown._replace(success=tf.constant(success[:, None]))
        return shown

    def _trial_ids(
        self, arm: protocol.Arm, which: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """Ids of the episodes that an arm's policy is shown as trials of some pairs."""
        config = self._config(arm)
        if not arm.trials or config.trials_from == interface.DEMO:
            return [()] * len(which)
        if config.trials_from == interface.ANOTHER_TASK:
            which = self._strangers(which)
        shown = [self._episode_ids(protocol.arm(name), which) for name in arm.trials]
        return list(zip(*shown, strict=True))

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
