"""Optional stage: retrials on training tasks, a second round of trials."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Share
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import choices, episodes
from wtl.pipeline.collect_trials import BATCH, actor_spec
from wtl.pipeline.run import Run
from wtl.policies.methods import METHODS

NAME = fields.WTL_RETRIALS


def collect_retrials(run: Run, sources: Sequence[str] = (), greedy_share: Share = 0.5):
    """Collect `wtl_retrials`: one retrial after each trial that a source learns from.

    The success of a trial depends on the rule, which is drawn here; the retrial is made
    under the same rule, see `wtl.datasets.sampling.trial_groups`.

    Args:
      run: the run.
      sources: methods whose policies make retrials; without any the stage does nothing.
      greedy_share: share of retrials that select the likeliest target; the others
        sample it.

    Raises:
      UserError: if a source is not given demonstrations and trials, or there is a
        camera.
    """
    run.require_capability("make_env", "collect_retrials")
    if not sources:
        return
    if run.images:
        raise UserError("collect_retrials works from states: set camera.pixels = 0")
    choices.trained_methods(
        "collect_retrials.sources",
        sources,
        lambda method: method.config.demos and method.config.trials,
    )
    given = (fields.WTL_DEMOS, fields.WTL_TRIALS)
    inputs = run.inputs(*given, *sources)

    def stage(writer: StagingWriter):
        demos, trials = (run.datasets.read(name, fields.SPLIT_TRAIN) for name in given)
        trials_dir = run.datasets.require(fields.WTL_TRIALS)
        shards = []
        for source in sources:
            actor = actor_spec(run, source, fields.SPLIT_TRAIN, trials_dir)
            planned = _plan(run, demos, trials, source, greedy_share)
            shards += episode_request.shards(actor, planned, BATCH)
        episodes.stage_all(run, shards, writer, "retrials")

    episodes.collect(
        run,
        NAME,
        {"sources": list(sources), "greedy_share": greedy_share},
        inputs,
        stage,
        {"parents": inputs},
    )


def _plan(
    run: Run,
    demos: EpisodeStore,
    trials: EpisodeStore,
    source: str,
    greedy_share: float,
) -> list[EpisodeRequest]:
    tasks = {task.task_id: task for task in run.suite.tasks(fields.SPLIT_TRAIN)}
    made_by = run.folder.policy_id(METHODS[source].trial_source)
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
            demo_seed = int(demos[fields.SCENE_SEED][demo])
            acted = demos[fields.HIDDEN_TARGET][demo]
            rule = task.rule_of(demo_seed, acted, by_identity)
        scene_seed = int(trials[fields.SCENE_SEED][row])
        scene_config = task.scene(scene_seed, rule)
        scene_config = dataclasses.replace(scene_config, attempt="retrial")
        plans.append(
            EpisodeRequest(
                scene=scene_config,
                episode_id=episode.episode_id(
                    NAME, task.task_id, fields.ROLE_RETRIAL, row, seed
                ),
                role=fields.ROLE_RETRIAL,
                choice_seed=(
                    None
                    if rng.random() < greedy_share
                    else seeding.derive_seed(seed, "target")
                ),
                demo_ids=(str(demos[fields.EPISODE_ID][demo]),),
                trial_ids=(name,),
                trial_success=(
                    int(trials[fields.HIDDEN_ACHIEVED][row]) == scene_config.slot,
                ),
                trial_index=1,
                rule=str(rule),
            )
        )
    return plans
