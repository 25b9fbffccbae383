"""Scenarios of an evaluation, which all conditions share, and their oracle bounds."""

import dataclasses
from collections.abc import Sequence

from wtl.collection.worlds.entities import oracle_bound
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.entities.task_distribution import TaskDistribution
from wtl.policies import interface
from wtl.policies.methods import METHODS, NEW, Condition


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A demonstration of a held-out task, and scenes in which to solve the task.

    Attributes:
      task: the task.
      index: number of the scenario within the task.
      demo_seed: scene of the demonstration.
      scene_seed: scene of the trial, and of the retrial in it.
      new_scene_seed: another scene for the retrial.
    """

    task: Task
    index: int
    demo_seed: int
    scene_seed: int
    new_scene_seed: int

    def seed(self, condition: Condition) -> int:
        """Seed of the scene of a condition."""
        return self.new_scene_seed if condition.scene == NEW else self.scene_seed

    def readings(self, condition: Condition) -> oracle_bound.Readings:
        """Readings of the demonstration in the scene of a condition."""
        return oracle_bound.readings(self.task, self.demo_seed, self.seed(condition))


def scenarios(
    suite: TaskDistribution, split: str, scenes_per_task: int
) -> list[Scenario]:
    """Scenarios of a split; a pure function of the suite."""
    return [
        Scenario(
            task=task,
            index=i,
            demo_seed=suite.scene_seed(task, "demo", i),
            scene_seed=suite.scene_seed(task, "evaluation", i),
            new_scene_seed=suite.scene_seed(task, "new evaluation", i),
        )
        for task in suite.tasks(split)
        for i in range(scenes_per_task)
    ]


def oracle_bound_of(
    condition: Condition,
    scenario: Scenario,
    suite: TaskDistribution,
    config: interface.Interface | None = None,
    demo_seeds: Sequence[int] = (),
) -> float:
    """Success of an ideal agent with the information of a condition, in its scene.

    Args:
      condition: the condition.
      scenario: the scenes.
      suite: of the tasks.
      config: what its policy is given; by default as its method says.
      demo_seeds: scenes of all demonstrations given, where there are several.
    """
    method = METHODS[condition.method]
    config = config or method.config
    prior = oracle_bound.Prior.of(suite)
    read = scenario.readings(condition)
    if config.oracle:
        return 1.0
    trials = condition.trials and config.trials_tell
    if condition.trials and not trials and config.trials_from == interface.TRY:
        prior = dataclasses.replace(prior, motors=1.0)  # which still show
    by_demo = trials and METHODS[method.trial_source].config.demos
    if (config.demos or by_demo) and oracle_bound.settled(scenario.task, demo_seeds):
        return 1.0 if trials else prior.motors
    if config.demos and trials:
        trial = oracle_bound.readings(
            scenario.task, scenario.demo_seed, scenario.scene_seed
        )
        return oracle_bound.demo_and_trial(trial, read, prior)
    if config.demos:
        return oracle_bound.demo_only(read, prior)
    if by_demo:
        return oracle_bound.trial_of_demo_only(read, prior)
    number = 1 + len(condition.trials) if trials else 1
    return oracle_bound.nth_trial(prior, number)
