"""Stage 3 again, if asked for: retrials on training tasks, a second round of trials."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tqdm

from wtl.collection import (
    context_builder,
    observation_encoder,
    rollout,
    vector_environment,
)
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.entities.task import Rule, RuleKind
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.collect_trials import BATCH, shown_index
from wtl.pipeline.run import Run, newest
from wtl.pipeline.train import policy_id, require_policy
from wtl.policies import export
from wtl.policies.contextual import context as contexts
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

NAME = fields.WTL_RETRIALS


@dataclasses.dataclass(frozen=True)
class _Plan:
    """One retrial to be made.

    Attributes:
      trial: row of the trial that it follows, in whose scene it is played.
      demo: row of the demonstration that the trial followed.
      rule: under which it is told whether the trial succeeded.
      setup: scene, and the target of the rule in it.
      trial_success: whether the trial achieved this target.
      episode_id: id of the retrial.
      seed: of the choice of target.
      greedy: take the likeliest target rather than a sample.
    """

    trial: int
    demo: int
    rule: Rule
    setup: environment.Setup
    trial_success: bool
    episode_id: str
    seed: int
    greedy: bool


def collect_retrials(run: Run, sources: Sequence[str] = (), greedy_share: float = 0.5):
    """Collects `wtl_retrials`: one retrial after each trial that a source learns from.

    What the trial's success is depends on the rule, which is drawn here; it is the rule
    under which the retrial was made, see `wtl.datasets.sampling.sampler`.

    Args:
      run: the run.
      sources: methods whose policies make retrials; without any there is nothing to do.
      greedy_share: share of retrials that go for the likeliest target; the others
        sample it.

    Raises:
      UserError: if a source sees no demonstrations and trials, or there is a camera.
    """
    if not sources:
        return
    if run.pixels:
        raise UserError("collect_retrials works from states: set camera.pixels = 0")
    for source in sources:
        if source not in METHODS or not (
            METHODS[source].config.demos and METHODS[source].config.trials
        ):
            raise UserError(
                f"collect_retrials.sources names {source!r}, which is not shown "
                "demonstrations and trials"
            )
    inputs = {}
    for name in (fields.WTL_DEMOS, fields.WTL_TRIALS):
        run.dataset(name)
        inputs[name] = run.dataset_fingerprint(name)
    inputs |= {source: require_policy(run, source) for source in sources}

    def work(key: str) -> dict[str, str]:
        demos = run.read(fields.WTL_DEMOS, suites.TRAIN)
        trials = run.read(fields.WTL_TRIALS, suites.TRAIN)
        plans = {
            source: _plan(run, demos, trials, source, greedy_share)
            for source in sources
        }
        with (
            StagingWriter(run.staging(NAME, key), run.spec_of(NAME)) as writer,
            vector_environment.EnvironmentPool(run.workers) as pool,
            tqdm.tqdm(
                total=sum(map(len, plans.values())), desc="retrials", unit="episode"
            ) as bar,
        ):
            for source, planned in plans.items():
                for start in range(0, len(planned), BATCH):
                    part = planned[start : start + BATCH]
                    if any(p.episode_id not in writer.episode_ids for p in part):
                        writer.append(_play(run, pool, demos, trials, source, part))
                    bar.update(len(part))
        account = {"stage": "collect_retrials", "parents": inputs}
        return {NAME: run.publish(NAME, key, account)}

    run.do(
        "collect_retrials",
        {"sources": list(sources), "greedy_share": greedy_share},
        inputs,
        {NAME: lambda: run.dataset_fingerprint(NAME)},
        work,
        newest(NAME),
    )


def _plan(
    run: Run,
    demos: EpisodeStore,
    trials: EpisodeStore,
    source: str,
    greedy_share: float,
) -> list[_Plan]:
    tasks = {task.task_id: task for task in run.suite.tasks(suites.TRAIN)}
    made_by = policy_id(run, METHODS[source].trial_source)
    plans = []
    for row in np.flatnonzero(trials[fields.POLICY_ID] == made_by).tolist():
        name = str(trials[fields.EPISODE_ID][row])
        seed = seeding.derive_seed(run.seed, NAME, source, name)
        rng = seeding.generator(seed, "plan")
        demo = demos.index_by_id[trials[fields.PARENT_DEMO_IDS][row][0]]
        task = tasks[trials[fields.TASK_ID][row]]
        rule = task.rule
        if rule is None:
            by_identity = rng.random() < run.suite.identity_share
            rule = _rule(task, demos, demo, by_identity)
        scene_seed = int(trials[fields.SCENE_SEED][row])
        setup = environment.Setup.by_rule(task, rule, scene_seed)
        setup = dataclasses.replace(setup, attempt="retrial")
        scene = task.object_set.scene(scene_seed)
        target = environment.slot_of(task, scene, setup.target)
        plans.append(
            _Plan(
                trial=row,
                demo=demo,
                rule=rule,
                setup=setup,
                trial_success=int(trials[fields.HIDDEN_ACHIEVED][row]) == target,
                episode_id=episodes.episode_id(
                    NAME, task.task_id, fields.ROLE_RETRIAL, row, seed
                ),
                seed=seed,
                greedy=bool(rng.random() < greedy_share),
            )
        )
    return plans


def _rule(task, demos: EpisodeStore, row: int, by_identity: bool) -> Rule:
    """The rule of a kind that a demonstration follows."""
    index = shown_index(task, demos, row)
    if by_identity:
        return Rule(RuleKind.IDENTITY, index)
    scene = task.object_set.scene(int(demos[fields.SCENE_SEED][row]))
    place = environment.place_of(task, scene, index) % task.object_set.size
    return Rule(RuleKind.POSITION, place)


def _play(
    run: Run,
    pool: vector_environment.EnvironmentPool,
    demos: EpisodeStore,
    trials: EpisodeStore,
    source: str,
    plans: list[_Plan],
) -> list[Episode]:
    layout = run.suite.layout
    policy = export.load(
        run.folder.policies / METHODS[source].folder / "saved_model", layout.state_size
    )
    config = export.as_saved(config_for(source, run.suite), policy)
    eyes = observation_encoder.Sight(policy, layout)
    rows = np.arange(len(plans))[:, None]

    def shown(store: EpisodeStore, which: list[int]) -> contexts.Shown:
        picked = store.select(which)
        return context_builder.Conditioner(picked, config, eyes).shown(rows)

    told = np.array([[plan.trial_success] for plan in plans])
    gumbel = np.zeros((len(plans), config.choices), np.float32)
    for i, plan in enumerate(plans):
        if not plan.greedy:
            rng = seeding.generator(plan.seed, "target")
            gumbel[i] = rng.gumbel(size=config.choices)
    observed = pool.reset([plan.setup for plan in plans])
    context = contexts.Context(
        demos=shown(demos, [plan.demo for plan in plans]),
        trials=shown(trials, [plan.trial for plan in plans])._replace(
            success=np.where(told, 1.0, -1.0).astype(np.float32)
        ),
        truth=context_builder.nothing_told(len(plans), config),
        state=eyes.first(observed),
        gumbel=gumbel,
    )
    identifier = export.policy_id(policy)
    return rollout.rollout(
        pool,
        policy,
        policy.encode_context(context),
        observed,
        [
            {
                "episode_id": plan.episode_id,
                "role": fields.ROLE_RETRIAL,
                "policy_id": identifier,
                "parent_demo_ids": (str(demos[fields.EPISODE_ID][plan.demo]),),
                "parent_trial_ids": (str(trials[fields.EPISODE_ID][plan.trial]),),
                "trial_index": 1,
                "hidden_rule": str(plan.rule),
            }
            for plan in plans
        ],
    )
