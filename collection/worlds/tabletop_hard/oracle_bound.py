"""Oracle bound: success of an ideal agent with perfect skill, by enumerating rules.

The kinds of rules of the test tasks, and all their parameters, are as likely as each
other; the agent knows these kinds, also where training tasks have others. The bound is
the agent's expected success under its posterior, and thus holds for the mean of many
tasks. Trials are those that were made; where they are not known, the most informative
ones for the retrial.
"""

import itertools
from collections.abc import Collection, Sequence

import numpy as np

from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.oracle import Information
from wtl.collection.worlds.tabletop_hard import rules
from wtl.collection.worlds.tabletop_hard.scene import Scene
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields


def posterior(
    task: Task, demo_seeds: Sequence[int], kinds: Collection[str] = rules.KINDS
) -> np.ndarray:
    """Return the probability [H, n] of each rule of `kinds`, given demonstrations."""
    kind = task.goal.kind
    likely = np.ones_like(task.object_set.scene(demo_seeds[0]).picked[kind], float)
    likely *= _of_kinds(kinds)
    for seed in demo_seeds:
        scene = task.object_set.scene(seed)
        likely *= scene.picked[kind] == scene.referent(task.rule, kind)
    return likely / likely.sum()


def _of_kinds(kinds: Collection[str]) -> np.ndarray:
    """[H, 1] 1 for some kinds of rules, else 0."""
    return np.array([[float(kind in kinds)] for kind in rules.KINDS])


def targets(weight: np.ndarray, scene: Scene, kind: int) -> np.ndarray:
    """Return the probability [n] of each target in a scene, by those of rules."""
    picked = scene.picked[kind]
    return np.array([weight[picked == e].sum() for e in range(picked.shape[1])])


def given_trial(
    weight: np.ndarray, picked: np.ndarray, target: int, success: bool
) -> np.ndarray:
    """Return the probability [H, n] of each rule, given a trial on a target as well.

    Args:
      weight: [H, n] before the trial.
      picked: [H, n] target that each rule picks in the scene of the trial.
      target: the entity that it acted on.
      success: of the trial.
    """
    left = weight * ((picked == target) == success)
    # A trial on the right target may fail by lack of skill: it tells nothing then.
    return left / left.sum() if left.sum() else weight


def after_trials(
    weight: np.ndarray, trial: Scene, retrial: Scene, kind: int, trials: int
) -> float:
    """Return the success of a retrial after the best choice of trials in one scene."""
    tried = trial.picked[kind]
    there = [int(e) for e in np.unique(tried[weight > 0])]

    def best(kept: np.ndarray) -> float:
        return targets(weight * kept, retrial, kind).max()

    return max(
        sum(best(tried == e) for e in chosen) + best(~np.isin(tried, chosen))
        for chosen in itertools.combinations(there, min(trials, len(there)))
    )


class OracleBound:
    """See `wtl.collection.worlds.oracle.OracleBound`.

    A trial of an agent that is given a demonstration is taken to tell as much as the
    demonstration itself.
    """

    def __init__(self, distribution: TaskDistribution):
        """Keep the distribution of the tasks."""
        self._distribution = distribution
        self._kinds = distribution.rule_kinds(fields.SPLIT_TEST)

    def success(self, given: Information) -> float:
        """See the interface."""
        task = given.task
        scene = task.object_set.scene(given.scene_seed)
        if not (given.demonstrated or given.of_demonstrated):
            return self._blind(scene, 1 + given.trials)
        weight = posterior(task, given.demo_seeds, self._kinds)
        kind = task.goal.kind
        if not given.trials:
            return float(targets(weight, scene, kind).max())
        trial = task.object_set.scene(given.trial_seed)
        if not given.tried:
            return after_trials(weight, trial, scene, kind, given.trials)
        for slot, success in given.tried:
            if slot // task.object_set.size == kind:  # else it acted on nothing
                target = task.target_at(given.trial_seed, slot)
                weight = given_trial(weight, trial.picked[kind], target, success)
        return float(targets(weight, scene, kind).max())

    def _blind(self, scene: Scene, number: int) -> float:
        """Success given all previous trials, each of a button and an object."""
        world = self._distribution.world
        names = self._distribution.family_names
        found = 0.0
        for kind, picked in enumerate(scene.picked):
            count = sum(world.entities.families[name].kind == kind for name in names)
            weight = (picked >= 0) * _of_kinds(self._kinds)
            weight /= weight.sum()
            each = np.tile(targets(weight, scene, kind), count)
            found += np.sort(each)[::-1][:number].sum() / len(names)
        return float(found)

    def nth_trial(self, number: int, split: str) -> float:
        """See the interface; the mean over one scene of each task."""
        suite = self._distribution
        scenes = [
            task.object_set.scene(suite.scene_seed(task, "evaluation", 0))
            for task in suite.tasks(split)
        ]
        return float(np.mean([self._blind(scene, number) for scene in scenes]))

    def conflict(self, task: Task, demo_seed: int, scene_seed: int) -> bool:
        """See the interface."""
        return self.open_targets(task, demo_seed, scene_seed) > 1

    def open_targets(self, task: Task, demo_seed: int, scene_seed: int) -> int:
        """See the interface."""
        scene = task.object_set.scene(scene_seed)
        weight = posterior(task, [demo_seed], self._kinds)
        found = targets(weight, scene, task.goal.kind)
        return int((found > 0).sum())
