"""Plays the arms of an evaluation, one after another."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tqdm

from collection import conditioning, rollout, sight, workers
from datasets import episode as episodes
from datasets import fields, staging
from datasets.episode import Episode
from datasets.store import EpisodeStore, stack
from policies import export, interface
from policies.contextual import context as contexts
from policies.methods import METHODS
from wtl.envs import environment, observation, seeding
from wtl.envs import scene as scenes
from wtl.errors import UserError
from wtl.evaluation import protocol, rollout_row
from wtl.pipeline.run import Run

NAME = fields.WTL_EVALUATIONS
_MIN_DEMONSTRATED = 0.95


class Player:
    """Plays arms one after another; finished arms survive an interruption.

    Attributes:
      pairs: the demonstrations and scenes that all arms share.
      demos: demonstrations of the split.
      demo_rows: [pairs, K] rows of `demos` shown for each pair, or -1.
      videos: videos of humans of the split, or None if nobody is shown any.
      video_rows: [pairs, K] likewise of `videos`.
      played: episodes by arm, one for each pair.
    """

    def __init__(
        self,
        run: Run,
        key: str,
        split: str,
        scenes: int,
        demos_shown: int,
        human: bool,
    ):
        self._run = run
        self._layout = observation.Layout(run.suite.size)
        self._key = key
        self._split = split
        self._demos_shown = demos_shown
        self.demos = run.read(fields.WTL_DEMOS, split, with_images=True)
        planned = protocol.pairs(run.suite, split, scenes)
        rows = self._find(self.demos, planned)
        # A scene whose demonstrator failed is left out for every arm.
        there = rows[:, 0] >= 0
        self.videos, video_rows = None, rows
        if human:
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
        self.played: dict[str, list[Episode]] = {}

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

    def play(self, arms: Sequence[protocol.Arm]) -> list[rollout_row.RolloutRow]:
        """Plays arms in order, publishes the episodes and returns a row of each."""
        run = self._run
        directory = run.staging(NAME, self._key)
        with (
            staging.StagingWriter(directory, run.spec_of(NAME)) as writer,
            workers.EnvironmentPool(run.workers, run.pixels) as pool,
            tqdm.tqdm(
                total=len(arms) * len(self.pairs), desc="evaluation", unit="episode"
            ) as bar,
        ):
            done = {
                episode.id: episode for episode in staging.iterate_staged(directory)
            }
            for arm in arms:
                bar.set_postfix(arm=arm.name)
                names = [self._episode_id(arm, pair) for pair in self.pairs]
                if all(name in done for name in names):
                    self.played[arm.name] = [done[name] for name in names]
                else:
                    self.played[arm.name] = self._play_arm(pool, arm, names)
                    writer.append(self.played[arm.name])
                bar.update(len(names))
        run.publish(NAME, self._key, {"stage": "evaluate", "split": self._split})
        return [row for arm in arms for row in self._rows(arm)]

    def _episode_id(self, arm: protocol.Arm, pair: protocol.Pair) -> str:
        seed = seeding.derive_seed(self._run.seed, arm.name, pair.seed(arm))
        role = self._role(arm)
        return episodes.episode_id(
            NAME, pair.task.task_id, role, self._index(arm, pair), seed
        )

    def _index(self, arm: protocol.Arm, pair: protocol.Pair) -> int:
        names = [a.name for a in protocol.ARMS]
        return pair.index * len(names) + names.index(arm.name)

    def _role(self, arm: protocol.Arm) -> str:
        return fields.ROLE_RETRIAL if arm.trials else fields.ROLE_EVAL

    def _play_arm(self, pool, arm: protocol.Arm, names: list[str]) -> list[Episode]:
        run = self._run
        method = METHODS[arm.method]
        config = dataclasses.replace(method.config, size=run.suite.size)
        policy = export.load(
            run.folder.policies / method.folder / "saved_model",
            self._layout.state_size,
            run.pixels,
        )
        eyes = sight.Sight(policy, self._layout)
        setups = [
            environment.Setup.by_rule(pair.task, pair.task.rule, pair.seed(arm))
            for pair in self.pairs
        ]
        observed = pool.reset(setups)
        context = self._context(arm, config, setups, eyes, eyes.first(observed))
        identifier = export.policy_id(policy)
        shown, rows = self.shown(arm)
        metadata = [
            {
                "episode_id": name,
                "role": self._role(arm),
                "policy_id": identifier,
                "parent_demo_ids": (
                    tuple(str(shown[fields.EPISODE_ID][r]) for r in rows[i] if r >= 0)
                    if config.demos
                    else ()
                ),
                "parent_trial_ids": tuple(self.played[t][i].id for t in arm.trials),
                "trial_index": len(arm.trials),
                "hidden_rule": str(self.pairs[i].task.rule),
            }
            for i, name in enumerate(names)
        ]
        return rollout.rollout(
            pool, policy, policy.encode_context(context), observed, metadata, eyes.sees
        )

    def _context(
        self,
        arm: protocol.Arm,
        config: interface.Interface,
        setups: list[environment.Setup],
        eyes: sight.Sight,
        states: np.ndarray,
    ) -> contexts.Context:
        count = len(setups)
        size = self._run.suite.size
        state_size = self._layout.state_size
        demos = trials = conditioning.nothing_shown(count, config, state_size)
        if config.demos:
            store, rows = self.shown(arm)
            demos = conditioning.Conditioner(
                store, config, eyes, own=not arm.human
            ).shown(rows)
        if config.trials:
            shown = [e for name in arm.trials for e in self.played[name]]
            order = np.arange(len(shown)).reshape(len(arm.trials), count).T
            trials = conditioning.Conditioner(stack(shown), config, eyes).shown(order)
        gumbel = np.zeros((count, config.entities), np.float32)
        if arm.sampled:
            for i, pair in enumerate(self.pairs):
                rng = seeding.generator(self._run.seed, arm.name, pair.seed(arm))
                gumbel[i] = rng.gumbel(size=config.entities)
        # Eyes count from the left; the order of slots is a matter of stored states.
        slot_of = environment.place_of if eyes.has_eyes else environment.slot_of
        slots = [
            slot_of(s.task, scenes.draw(size, s.scene_seed), s.target) for s in setups
        ]
        return contexts.Context(
            demos=demos,
            trials=trials,
            truth=conditioning.truth(
                np.array(slots),
                [s.task.family for s in setups],
                np.array([s.task.friction for s in setups]),
            ),
            state=states,
            gumbel=gumbel,
        )

    def _rows(self, arm: protocol.Arm) -> list[rollout_row.RolloutRow]:
        shown, shown_rows = self.shown(arm)
        demo_ids = shown[fields.EPISODE_ID]
        rows = []
        for i, (pair, played) in enumerate(
            zip(self.pairs, self.played[arm.name], strict=True)
        ):
            known = played.metadata
            achieved = known[fields.HIDDEN_ACHIEVED]
            trials = [self.played[name][i] for name in arm.trials]
            rows.append(
                rollout_row.RolloutRow(
                    method=arm.name,
                    task_id=pair.task.task_id,
                    family=pair.task.family,
                    rule=str(pair.task.rule),
                    pair=pair.index,
                    scene_seed=pair.seed(arm),
                    demo_id=str(demo_ids[shown_rows[i, 0]]),
                    trial_ids=tuple(trial.id for trial in trials),
                    episode_id=played.id,
                    success=bool(known[fields.SUCCESS]),
                    wrong_target=bool(
                        achieved >= 0 and achieved != known[fields.HIDDEN_TARGET]
                    ),
                    conflict=pair.readings(arm).conflict,
                    ceiling=protocol.arm_ceiling(arm, pair, self._run.suite),
                    trial_success=(
                        bool(trials[-1].metadata[fields.SUCCESS]) if trials else None
                    ),
                )
            )
        return rows
