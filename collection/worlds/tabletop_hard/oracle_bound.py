"""Oracle bound: success of an ideal agent with perfect skill, by enumerating rules.

The kinds of rules of the test tasks are as likely as their weights say, and all their
parameters as each other; the agent knows this, also where training tasks have others.
The bound is
the agent's expected success under its posterior, and thus holds for the mean of many
tasks. Trials are those that were made; where they are not known, the most informative
ones for the retrial.
"""

import collections
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.oracle import Information
from wtl.collection.worlds.tabletop_hard.scene import Scene
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields


def prior(domain: str, weights: Mapping[str, int], picked: np.ndarray) -> np.ndarray:
    """Return the weight of each rule that picks a target [H, ...] in a scene."""
    kinds = registry.get(domain).entities.rule_kinds
    of_kind = np.array([float(weights.get(kind, 0)) for kind in kinds])
    return of_kind.reshape(-1, *(1,) * (picked.ndim - 1)) * (picked >= 0)


def posterior(
    task: Task, demo_seeds: Sequence[int], weights: Mapping[str, int]
) -> np.ndarray:
    """Return the probability of each rule, given demonstrations; see `prior`."""
    scenes = [task.object_set.scene(seed) for seed in demo_seeds]
    likely = prior(task.domain, weights, scenes[0].readings(task.goal))
    for scene in scenes:
        shown = scene.referent(task.rule, task.goal.kind)
        likely *= scene.readings(task.goal) == shown
    return likely / likely.sum()


def targets(weight: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """Return the probability of each target, by those of the rules that pick it."""
    numbers = range(picked.max() + 1)
    return np.array([weight[picked == number].sum() for number in numbers])


def given_trial(
    weight: np.ndarray, picked: np.ndarray, target: int, success: bool
) -> np.ndarray:
    """Return the probability of each rule, given a trial on a target as well.

    Args:
      weight: of each rule before the trial.
      picked: target that each rule picks in the scene of the trial.
      target: the one that it acted on.
      success: of the trial.
    """
    left = weight * ((picked == target) == success)
    # A trial on the right target may fail by lack of skill: it tells nothing then.
    return left / left.sum() if left.sum() else weight


def after_trials(
    weight: np.ndarray, tried: np.ndarray, picked: np.ndarray, trials: int
) -> float:
    """Return the success of a retrial after the best choice of trials in one scene.

    Args:
      weight: of each rule before the trials.
      tried: target that each rule picks in the scene of the trials.
      picked: the same in that of the retrial.
      trials: their number.
    """
    there = [int(target) for target in np.unique(tried[weight > 0])]

    def best(kept: np.ndarray) -> float:
        return targets(weight * kept, picked).max()

    return max(
        sum(best(tried == target) for target in chosen) + best(~np.isin(tried, chosen))
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
        self._weights = distribution.weights_of_kinds(fields.SPLIT_TEST)

    def success(self, given: Information) -> float:
        """See the interface."""
        task = given.task
        scene = task.object_set.scene(given.scene_seed)
        if not (given.demonstrated or given.of_demonstrated):
            return self._blind(scene, 1 + given.trials)
        weight = posterior(task, given.demo_seeds, self._weights)
        picked = scene.readings(task.goal)
        if not given.trials:
            return float(targets(weight, picked).max())
        trial = task.object_set.scene(given.trial_seed)
        tried = trial.readings(task.goal)
        if not given.tried:
            return after_trials(weight, tried, picked, given.trials)
        kind = task.goal.kind
        for slot, success in given.tried:
            if slot // len(trial.slots(kind)) == kind:  # else it acted on nothing
                target = task.target_at(given.trial_seed, slot)
                weight = given_trial(weight, tried, target, success)
        return float(targets(weight, picked).max())

    def _blind(self, scene: Scene, number: int) -> float:
        """Success given all previous trials, each of a button and an object."""
        world, names = self._distribution.world, self._distribution.family_names
        by_kind = collections.defaultdict(list)
        for name in names:
            goal = world.entities.families[name]
            picked = scene.readings(goal)
            weight = prior(world.name, self._weights, picked)
            by_kind[goal.kind].append(targets(weight / weight.sum(), picked))
        found = 0.0
        for each in map(np.concatenate, by_kind.values()):
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
        weight = posterior(task, [demo_seed], self._weights)
        picked = task.object_set.scene(scene_seed).readings(task.goal)
        return int((targets(weight, picked) > 0).sum())
