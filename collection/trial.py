"""Plays trials: a policy is shown a demonstration and tries in another scene."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np

from wtl.collection import (
    context_builder,
    observation_encoder,
    rollout,
    vector_environment,
)
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import video_pairs
from wtl.policies import export, interface
from wtl.policies.contextual import context as contexts


@dataclasses.dataclass(frozen=True)
class TrialSource:
    """A policy that makes trials, and what it is shown.

    Attributes:
      config: of the policy's method.
      policy_dir: where the policy was saved.
      demos_dir: version folder of the demonstrations.
      videos_dir: version folder of the videos of humans, for methods shown them.
      pixels: height and width of the images to act on; 0 to act on the state.
      wrist: whether the gripper's own camera records too.
    """

    config: interface.Interface
    policy_dir: pathlib.Path
    demos_dir: pathlib.Path
    videos_dir: pathlib.Path | None = None
    pixels: int = 0
    wrist: bool = False

    def read(self, with_images: bool = False) -> tuple[EpisodeStore, EpisodeStore]:
        """Training demonstrations, and what the policy is shown in place of each.

        Args:
          with_images: whether to read the images of what is shown.
        """
        demos = _read(self.demos_dir, with_images and not self.videos_dir)
        if not self.videos_dir:
            return demos, demos
        videos = _read(self.videos_dir, with_images)
        rows = video_pairs.paired_rows(demos, videos)
        return demos.select(rows >= 0), videos.select(rows[rows >= 0])


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial to be made: a demonstration, and a scene to try in.

    Attributes:
      demo: row of the demonstration, or of the video that shows the same.
      setup: scene; its target is the one that identity points at.
      episode_id: id of the trial.
      seed: of the choice of target.
      greedy: take the likeliest target rather than a sample.
      index: number of the trial of this demonstration in this scene.
    """

    demo: int
    setup: environment.Setup
    episode_id: str
    seed: int
    greedy: bool
    index: int


@dataclasses.dataclass(frozen=True)
class TrialShard:
    """Trials to be played in lockstep, see `wtl.collection.shard.Shard`.

    Attributes:
      source: who makes them.
      trials: to be made. What rounds depends on how many there are, so a shard is
        always played whole.
    """

    source: TrialSource
    trials: tuple[Trial, ...]

    @property
    def episode_ids(self) -> tuple[str, ...]:
        """Ids of the trials; none fails to give an episode."""
        return tuple(trial.episode_id for trial in self.trials)

    def play(self) -> list[episodes.Episode]:
        """Plays them in this process; see `Shard`."""
        source = self.source
        with vector_environment.environments_of_this_process(
            source.pixels, source.wrist
        ) as environments:
            return self.play_in(environments)

    def play_in(
        self,
        environments: vector_environment.EnvironmentPool
        | vector_environment.Environments,
    ) -> list[episodes.Episode]:
        """Plays them in environments that are there already."""
        return _play(_loaded(self.source), environments, self.trials)


@dataclasses.dataclass(frozen=True)
class _Player:
    config: interface.Interface
    policy: object
    shown: EpisodeStore


@functools.lru_cache(maxsize=1)
def _loaded(source: TrialSource) -> _Player:
    """Loads a policy and what it is shown, once in each process."""
    state_size = source.config.layout.state_size
    policy = export.load(source.policy_dir, state_size, source.pixels)
    config = export.as_saved(source.config, policy)
    return _Player(config, policy, source.read(source.pixels > 0)[1])


def _read(dataset_dir: pathlib.Path, with_images: bool) -> EpisodeStore:
    store = reader.read(dataset_dir, suites.TRAIN, with_images=with_images)
    return store.select(~store[fields.INVALID])


def _play(player: _Player, pool, trials: Sequence[Trial]) -> list[episodes.Episode]:
    config, policy, shown = player.config, player.policy, player.shown
    layout = config.layout
    eyes = observation_encoder.Sight(policy, layout)
    rows = np.array([[trial.demo] for trial in trials])
    nothing = context_builder.nothing_shown(len(trials), config, layout.state_size)
    gumbel = np.stack(
        [
            np.zeros(config.choices)
            if trial.greedy
            else seeding.generator(trial.seed, "target").gumbel(size=config.choices)
            for trial in trials
        ]
    )
    demos = nothing
    if config.demos:
        # Resampling only the episodes that are shown keeps this cheap.
        picked = shown.select(rows[:, 0])
        demos = context_builder.Conditioner(
            picked, config, eyes, own=not config.human
        ).shown(np.arange(len(trials))[:, None])
    observed = pool.reset([trial.setup for trial in trials])
    context = contexts.Context(
        demos=demos,
        trials=nothing,
        truth=context_builder.nothing_told(len(trials), config),
        state=eyes.first(observed),
        gumbel=gumbel.astype(np.float32),
    )
    identifier = export.policy_id(policy)
    names = shown[fields.EPISODE_ID]
    return rollout.rollout(
        pool,
        policy,
        policy.encode_context(context),
        observed,
        [
            {
                "episode_id": trial.episode_id,
                "role": "trial",
                "policy_id": identifier,
                "parent_demo_ids": (str(names[trial.demo]),) if config.demos else (),
                "trial_index": trial.index,
            }
            for trial in trials
        ],
        eyes.sees,
    )
