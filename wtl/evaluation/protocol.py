"""What is played in an evaluation: arms, and the scenes that all of them share."""

import dataclasses

from policies.methods import METHODS
from wtl.envs import suite as suites
from wtl.envs.task import Task
from wtl.evaluation import ceiling

SAME, NEW = "same", "new"


@dataclasses.dataclass(frozen=True)
class Arm:
    """One row of the result table.

    Attributes:
      name: its name in `results.json`.
      method: the policy that plays, a key of `policies.methods.METHODS`.
      trials: arms whose episodes are shown as trials, in order.
      scene: `same` as the trials, or `new`.
      sampled: whether the target is sampled rather than the likeliest.
      shown_human: whether videos of humans are shown to a policy that was trained on
        the robot's demonstrations.
    """

    name: str
    method: str
    trials: tuple[str, ...] = ()
    scene: str = SAME
    sampled: bool = False
    shown_human: bool = False

    @property
    def human(self) -> bool:
        """Whether the demonstrations shown are videos of humans."""
        return self.shown_human or METHODS[self.method].config.human


ARMS = (
    Arm("bc", "bc"),
    Arm("mil", "mil"),
    Arm("mil_second_try", "mil", sampled=True),
    Arm("wtl", "wtl", trials=("mil",)),
    Arm("wtl_new_scene", "wtl", trials=("mil",), scene=NEW),
    Arm("wtl_2_trials", "wtl", trials=("mil", "wtl")),
    Arm("wtl_3_trials", "wtl", trials=("mil", "wtl", "wtl_2_trials")),
    Arm("demo_hidden_at_retrial", "demo_hidden_at_retrial", trials=("mil",)),
    Arm("trial_only", "trial_only", trials=("bc",)),
    Arm("oracle_task", "oracle_task"),
    Arm("maml", "maml"),
    Arm("maml_video", "maml_video"),
    Arm("maml_video_shown_human", "maml_video", shown_human=True),
    Arm("mil_shown_human", "mil", shown_human=True),
    Arm("contextual_human", "contextual_human"),
    Arm("daml_linear", "daml_linear"),
    Arm("daml", "daml"),
    Arm("mil_human", "mil_human"),
    Arm("mil_human_second_try", "mil_human", sampled=True),
    Arm("wtl_human", "wtl_human", trials=("mil_human",)),
    Arm("wtl_human_new_scene", "wtl_human", trials=("mil_human",), scene=NEW),
)


def arm(name: str) -> Arm:
    """The arm of a name."""
    return next(arm for arm in ARMS if arm.name == name)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A demonstration of a held-out task, and scenes in which to do the task.

    Attributes:
      task: the task.
      index: number of the pair within the task.
      demo_seed: scene of the demonstration.
      scene_seed: scene of the trial, and of the retrial in it.
      new_scene_seed: another scene for the retrial.
    """

    task: Task
    index: int
    demo_seed: int
    scene_seed: int
    new_scene_seed: int

    def seed(self, arm: Arm) -> int:
        """Scene that an arm plays."""
        return self.new_scene_seed if arm.scene == NEW else self.scene_seed

    def readings(self, arm: Arm) -> ceiling.Readings:
        """How the demonstration reads in the scene that an arm plays."""
        return ceiling.readings(self.task, self.demo_seed, self.seed(arm))


def pairs(suite: suites.Suite, split: str, scenes_per_task: int) -> list[Pair]:
    """The pairs of a split; a pure function of the suite."""
    return [
        Pair(
            task=task,
            index=i,
            demo_seed=suite.scene_seed(task, "demo", i),
            scene_seed=suite.scene_seed(task, "evaluation", i),
            new_scene_seed=suite.scene_seed(task, "new evaluation", i),
        )
        for task in suite.tasks(split)
        for i in range(scenes_per_task)
    ]


def arm_ceiling(arm: Arm, pair: Pair, suite: suites.Suite) -> float:
    """Success of an ideal agent with the information of an arm, in its scene."""
    config = METHODS[arm.method].config
    prior = ceiling.Prior.of(suite)
    read = pair.readings(arm)
    if config.oracle:
        return 1.0
    if config.demos and config.trials:
        trial = ceiling.readings(pair.task, pair.demo_seed, pair.scene_seed)
        return ceiling.demo_and_trial(trial, read, prior)
    if config.demos:
        return ceiling.demo_only(read, prior)
    if config.trials:
        if METHODS[METHODS[arm.method].trial_source].config.demos:
            return ceiling.trial_of_demo_only(read, prior)
        return ceiling.trial_only(prior)
    return ceiling.nothing(prior)
