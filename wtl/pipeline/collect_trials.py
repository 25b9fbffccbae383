"""Stage 3: trials of the trial policy on training tasks, each with its success."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tqdm

from collection import conditioning, rollout, sight, workers
from datasets import episode as episodes
from datasets import fields, pairs
from datasets import sampler as samplers
from datasets.staging import StagingWriter
from datasets.store import EpisodeStore
from policies import export
from policies.contextual import context as contexts
from policies.methods import METHODS, config_for
from wtl.envs import environment, seeding
from wtl.envs import suite as suites
from wtl.pipeline import teleoperated
from wtl.pipeline.run import Run
from wtl.pipeline.train import require_policy

NAME = fields.WTL_TRIALS
_BATCH = 500  # episodes played, and made durable, at once


@dataclasses.dataclass(frozen=True)
class _Plan:
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


def collect_trials(
    run: Run,
    sources: Sequence[str] = ("mil", "bc"),
    contexts_per_method: int = 3000,
    trials_per_context: int = 1,
    greedy_share: float = 0.5,
    teleop: bool = False,
):
    """Collects `wtl_trials`.

    Args:
      run: the run.
      sources: methods whose policies make trials.
      contexts_per_method: pairs of a demonstration and another scene of its task.
      trials_per_context: trials for each pair.
      greedy_share: share of trials that go for the likeliest target; the others
        sample it.
      teleop: takes the trials and retrials that `wtl teleop` has kept in this run,
        too.
    """
    inputs = {fields.WTL_DEMOS: run.dataset_fingerprint(fields.WTL_DEMOS)}
    inputs |= {source: require_policy(run, source) for source in sources}
    if teleop:
        inputs["teleop"] = teleoperated.fingerprint(run)
    run.dataset(fields.WTL_DEMOS)
    if any(METHODS[source].config.human for source in sources):
        name = fields.WTL_HUMAN_VIDEOS
        run.dataset(name)
        inputs[name] = run.dataset_fingerprint(name)

    def work(key: str) -> dict[str, str]:
        total = contexts_per_method * trials_per_context * len(sources)
        spec = run.spec_of(NAME, by_hand=teleop)
        with (
            StagingWriter(run.staging(NAME, key), spec) as writer,
            workers.EnvironmentPool(run.workers, run.pixels, run.wrist) as pool,
            tqdm.tqdm(total=total, desc="trials", unit="episode") as bar,
        ):
            if teleop:
                by_hand = (fields.ROLE_TRIAL, fields.ROLE_RETRIAL)
                writer.append(teleoperated.kept(run, by_hand))
            for source in sources:
                demos, shown = _shown(run, source)
                plans = _plan(
                    run,
                    demos,
                    source,
                    contexts_per_method,
                    trials_per_context,
                    greedy_share,
                )
                for start in range(0, len(plans), _BATCH):
                    part = plans[start : start + _BATCH]
                    if any(p.episode_id not in writer.episode_ids for p in part):
                        writer.append(_play(run, pool, shown, source, part))
                    bar.update(len(part))
        account = {"stage": "collect_trials", "parents": inputs}
        return {NAME: run.publish(NAME, key, account, spec)}

    run.do(
        "collect_trials",
        {
            "sources": list(sources),
            "contexts_per_method": contexts_per_method,
            "trials_per_context": trials_per_context,
            "greedy_share": greedy_share,
        },
        inputs,
        {NAME: lambda: run.dataset_fingerprint(NAME)},
        work,
    )


def _shown(run: Run, source: str) -> tuple[EpisodeStore, EpisodeStore]:
    """Training demonstrations, and what a policy is shown in place of each."""
    human = METHODS[source].config.human
    demos = run.read(fields.WTL_DEMOS, suites.TRAIN, with_images=not human)
    if not human:
        return demos, demos
    videos = run.read(fields.WTL_HUMAN_VIDEOS, suites.TRAIN, with_images=True)
    rows = pairs.paired_rows(demos, videos)
    return demos.select(rows >= 0), videos.select(rows[rows >= 0])


def _plan(
    run: Run,
    demos: EpisodeStore,
    source: str,
    count: int,
    trials_per_context: int,
    greedy_share: float,
) -> list[_Plan]:
    """Draws pairs of a demonstration and another demonstrated scene of its task."""
    index = samplers.DemoIndex(demos, run.suite.layout)
    tasks = {task.task_id: task for task in run.suite.tasks(suites.TRAIN)}
    seeds = {}
    for row, (task, scene) in enumerate(
        zip(index.task.tolist(), index.scene.tolist(), strict=True)
    ):
        seeds[task, scene] = int(demos[fields.SCENE_SEED][row])
    several = np.flatnonzero(index.scenes_in[index.task] > 1)
    rng = seeding.generator(run.seed, NAME, source)
    plans = []
    for i in range(count):
        # Every demonstration once before any is used again.
        if i % len(several) == 0:
            order = rng.permutation(several)
        row = int(order[i % len(several)])
        number = int(index.task[row])
        shift = 1 + int(rng.integers(index.scenes_in[number] - 1))
        scene = int(index.scene[row] + shift) % int(index.scenes_in[number])
        task = tasks[demos[fields.TASK_ID][row]]
        setup = _by_identity(task, demos, row, seeds[number, scene])
        for j in range(trials_per_context):
            seed = seeding.derive_seed(run.seed, NAME, source, i, j)
            plans.append(
                _Plan(
                    demo=row,
                    setup=dataclasses.replace(setup, attempt=f"trial {j}"),
                    episode_id=episodes.episode_id(
                        NAME, task.task_id, "trial", i * trials_per_context + j, seed
                    ),
                    seed=seed,
                    greedy=bool(rng.random() < greedy_share),
                    index=j,
                )
            )
    return plans


def _by_identity(task, demos: EpisodeStore, row: int, scene_seed: int):
    """The setup whose target is the entity that the demonstration acted on.

    The success stored with a trial is for this reading of the demonstration; what the
    trial achieved is stored too, so that it can be told for every other.
    """
    return environment.Setup(task, scene_seed, shown_index(task, demos, row))


def shown_index(task, demos: EpisodeStore, row: int) -> int:
    """Canonical index of the object or button that a demonstration acted on."""
    shown = task.object_set.scene(int(demos[fields.SCENE_SEED][row]))
    slot = int(demos[fields.HIDDEN_TARGET][row])
    size = task.object_set.size
    slots = shown.object_slots if slot < size else shown.button_slots
    return int(slots[slot % size])


def _play(run: Run, pool, shown: EpisodeStore, source: str, plans: list[_Plan]):
    config = config_for(source, run.suite)
    layout = run.suite.layout
    policy = export.load(
        run.folder.policies / METHODS[source].folder / "saved_model",
        layout.state_size,
        run.pixels,
    )
    eyes = sight.Sight(policy, layout)
    rows = np.array([[plan.demo] for plan in plans])
    nothing = conditioning.nothing_shown(len(plans), config, layout.state_size)
    gumbel = np.stack(
        [
            np.zeros(config.choices)
            if plan.greedy
            else seeding.generator(plan.seed, "target").gumbel(size=config.choices)
            for plan in plans
        ]
    )
    demos = nothing
    if config.demos:
        # Resampling only the episodes that are shown keeps this cheap.
        picked = shown.select(rows[:, 0])
        demos = conditioning.Conditioner(
            picked, config, eyes, own=not config.human
        ).shown(np.arange(len(plans))[:, None])
    observed = pool.reset([plan.setup for plan in plans])
    context = contexts.Context(
        demos=demos,
        trials=nothing,
        truth=conditioning.nothing_told(len(plans), config),
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
                "episode_id": plan.episode_id,
                "role": "trial",
                "policy_id": identifier,
                "parent_demo_ids": (str(names[plan.demo]),) if config.demos else (),
                "trial_index": plan.index,
            }
            for plan in plans
        ],
        eyes.sees,
    )
