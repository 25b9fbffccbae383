"""Scenarios of an evaluation, which all conditions share, and their oracle bounds."""

import dataclasses
from collections.abc import Sequence

from wtl.collection.worlds.oracle import Information, OracleBound
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Task
from wtl.policies import interface
from wtl.policies.methods import CONDITIONS, METHODS, Condition
from wtl.policies.methods.record import NEW


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
    bound: OracleBound | None,
    config: interface.Interface | None = None,
    demo_seeds: Sequence[int] = (),
    tried: Sequence[tuple[int, bool]] = (),
) -> float | None:
    """Return the success of an ideal agent with the information of a condition.

    `bound` is that of the world, if it has one.
    `config` says what its policy is given, by default as its method does; `demo_seeds`
    are the scenes of all demonstrations given, where there are several; `tried` are the
    slot that each trial acted on and its success, where trials were made.
    """
    config = config or METHODS[condition.method].config
    if config.oracle:
        return 1.0
    if bound is None:
        return None
    informed = bool(condition.trials) and config.trials_tell
    agents = [METHODS[CONDITIONS[name].method].config for name in condition.trials]
    return bound.success(
        Information(
            task=scenario.task,
            scene_seed=scenario.seed(condition),
            demo_seeds=tuple(demo_seeds) or (scenario.demo_seed,),
            demonstrated=config.demos,
            trial_seed=scenario.scene_seed,
            trials=len(condition.trials) if informed else 0,
            tried=tuple(tried) if informed else (),
            of_demonstrated=informed and agents[0].demos,
            motion=bool(condition.trials) and config.trials_from == interface.TRY,
        )
    )
