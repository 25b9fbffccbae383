"""Loop of reinforcement learning: trials, updates and regular evaluations."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from wtl.collection import reinforcement_rollout
from wtl.collection.vector_environment import VectorEnvironment
from wtl.collection.worlds import registry
from wtl.datasets.contract import seeding
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading import reader
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import export
from wtl.policies.bc_sac import learner as learners
from wtl.policies.contextual import context as contexts
from wtl.policies.legacy_keras import tf_keras
from wtl.training import reinforcement_job as jobs


def learn(
    job: jobs.ReinforcementJob, on_trials: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Learn a task.

    Args:
      job: task, start and budget.
      on_trials: called with the number of trials made.

    Returns:
      `trials`, numbers of trials at the evaluations, until the budget is spent or the
      task mastered; `success` in each evaluation scene; `tried`, share of successful
      trials since the evaluation before; and `losses`.
    """
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    budget, layout = job.budget, _layout(job)
    learner = make_learner(job)
    if job.start.keeps_demo:
        learner.replay.add(*demonstration(job, layout), demo=True)
    play = functools.partial(
        reinforcement_rollout.play, VectorEnvironment(), learner, layout
    )
    scenes = [job.task.scene(seed) for seed in job.evaluation_seeds]
    due = budget.evaluations()
    result = {"trials": [], "success": [], "tried": [], "losses": []}
    made, since, losses = 0, [], {}
    while True:
        if made == due[len(result["trials"])]:
            evaluated = play(scenes, None)
            result["trials"].append(made)
            result["success"].append([int(won) for won in evaluated.success])
            result["tried"].append(float(np.mean(since)) if since else None)
            result["losses"].append(losses)
            since = []
            mastered = budget.mastered(result["trials"], result["success"])
            if mastered or made == budget.trials:
                return result
        # A round ends where an evaluation is due.
        count = min(budget.at_once, due[len(result["trials"])] - made)
        numbers = range(made, made + count)
        played = play(
            [job.task.scene(_scene(job, number)) for number in numbers],
            [seeding.derive_seed(job.seed, "trial", number) for number in numbers],
        )
        learner.replay.add(*played)
        since += played.success.tolist()
        made += count
        losses = learner.update(made, count * job.config.updates_per_trial)
        on_trials(made)


def make_learner(job: jobs.ReinforcementJob) -> learners.Learner:
    """Return the agent before any trial."""
    config = job.network
    networks = []
    for _ in range(1 if job.start_dir is None else 2):
        network = job.kind.network(config)
        if job.start_dir is not None:
            export.restore(job.kind.policy(network), job.start_dir, job.start_id)
        networks.append(network)
    shown = None
    if config.demos:
        frames = resample(_demo(job), config.context_frames, config.interval_actions)
        shown = contexts.ContextEpisodes(
            *(tf.constant(v[:, None]) for v in (frames.state, frames.action)),
            *(tf.ones((1, 1)),) * 2,
        )
    return learners.Learner(
        networks[0],
        networks[1] if len(networks) > 1 else None,
        shown,
        job.config,
        capacity=job.budget.trials + 1,
        horizon=registry.get(job.task.domain).spec.horizon,
        seed=job.seed,
    )


def _layout(job: jobs.ReinforcementJob) -> Layout:
    return registry.get(job.task.domain).encoder(job.task.object_set.size)


def _demo(job: jobs.ReinforcementJob) -> EpisodeStore:
    store = reader.read(job.demo_dir, job.task.split)
    return store.select(store.rows([job.demo_id]))


def _scene(job: jobs.ReinforcementJob, number: int) -> int:
    """Return the seed of the scene of a trial."""
    if job.budget.scenes == jobs.EVALUATION:
        return job.evaluation_seeds[number % len(job.evaluation_seeds)]
    return seeding.derive_seed(job.scene_seed, "scene", number)


def demonstration(
    job: jobs.ReinforcementJob, layout: Layout
) -> reinforcement_rollout.Trials:
    """Return the demonstration as an episode of the replay buffer."""
    demo = _demo(job)
    order = reinforcement_rollout.by_identity(demo.state[:, 0], layout)
    state = order.apply(demo.state)
    horizon = registry.get(job.task.domain).spec.horizon
    return reinforcement_rollout.Trials(
        state=state[:, : horizon + 1],
        action=demo.action[:, :horizon],
        success=np.ones(1, bool),
        # As in all demonstrations, the target is inferred from the states.
        target=layout.acted_slots(state),
        places=order.places,
    )
