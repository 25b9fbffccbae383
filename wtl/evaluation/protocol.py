"""What is played in an evaluation: arms, and the scenes that all of them share."""

import dataclasses
from collections.abc import Sequence

from wtl.collection.worlds.entities import oracle_bound
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.entities.task import Task
from wtl.policies import interface
from wtl.policies.methods import METHODS

SAME, NEW = "same", "new"


@dataclasses.dataclass(frozen=True)
class Arm:
    """One row of the result table.

    Attributes:
      name: its name in `results.json`.
      method: the policy that plays, a key of `wtl.policies.methods.METHODS`.
      trials: arms whose episodes are shown as trials, in order.
      scene: `same` as the trials, or `new`.
      sampled: whether the target is sampled rather than the likeliest.
      shown_human: whether videos of humans are shown to a policy that was trained on
        the robot's demonstrations.
      by_default: whether it is played where no arms are named.
    """

    name: str
    method: str
    trials: tuple[str, ...] = ()
    scene: str = SAME
    sampled: bool = False
    shown_human: bool = False
    by_default: bool = True

    @property
    def human(self) -> bool:
        """Whether the demonstrations shown are videos of humans."""
        return self.shown_human or METHODS[self.method].config.human


def _after(method: str, count: int, by_default: bool = False) -> Arm:
    """A method after several trials: the first of another policy, then its own."""
    own = [method, *(f"{method}_{i}_trials" for i in range(2, count))]
    trials = (METHODS[method].trial_source, *own)
    name = f"{method}_{count}_trials"
    return Arm(name, method, trials=trials, by_default=by_default)


ARMS = (
    Arm("bc", "bc"),
    Arm("mil", "mil"),
    Arm("mil_second_try", "mil", sampled=True),
    Arm("wtl", "wtl", trials=("mil",)),
    Arm("wtl_new_scene", "wtl", trials=("mil",), scene=NEW),
    *(_after("wtl", count, by_default=True) for count in (2, 3)),
    *(_after("wtl", count) for count in (4, 5)),
    Arm("wtl_0_trials", "wtl", by_default=False),
    Arm("wtl_own_trial", "wtl", trials=("wtl_0_trials",), by_default=False),
    Arm("wtl_second_round", "wtl_second_round", trials=("mil",)),
    Arm(
        "wtl_second_round_2_trials",
        "wtl_second_round",
        trials=("mil", "wtl_second_round"),
    ),
    Arm("demo_hidden_at_retrial", "demo_hidden_at_retrial", trials=("mil",)),
    Arm("trial_only", "trial_only", trials=("bc",)),
    *(_after("trial_only", count) for count in range(2, 10)),
    Arm("oracle_task", "oracle_task"),
    Arm("maml", "maml"),
    Arm("tecnet", "tecnet"),
    Arm("tecnet_flat", "tecnet_flat"),
    Arm("maml_video", "maml_video"),
    Arm("maml_video_shown_human", "maml_video", shown_human=True, by_default=False),
    Arm("mil_shown_human", "mil", shown_human=True, by_default=False),
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

    def readings(self, arm: Arm) -> oracle_bound.Readings:
        """How the demonstration reads in the scene that an arm plays."""
        return oracle_bound.readings(self.task, self.demo_seed, self.seed(arm))


def rounds(arms: Sequence[Arm]) -> list[list[Arm]]:
    """Arms in rounds: each comes after those whose episodes are its trials."""
    round_of: dict[str, int] = {}
    for arm in arms:
        before = [round_of[name] for name in arm.trials if name in round_of]
        round_of[arm.name] = 1 + max(before, default=-1)
    return [
        [arm for arm in arms if round_of[arm.name] == number]
        for number in range(1 + max(round_of.values(), default=-1))
    ]


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


def arm_ceiling(
    arm: Arm,
    pair: Pair,
    suite: suites.Suite,
    config: interface.Interface | None = None,
    demo_seeds: Sequence[int] = (),
) -> float:
    """Success of an ideal agent with the information of an arm, in its scene.

    Args:
      arm: the arm.
      pair: of which the scenes are.
      suite: of the tasks.
      config: what its policy is shown; by default all that its method says.
      demo_seeds: scenes of all demonstrations shown, where there are several.
    """
    config = config or METHODS[arm.method].config
    prior = oracle_bound.Prior.of(suite)
    read = pair.readings(arm)
    if config.oracle:
        return 1.0
    trials = arm.trials and config.trials_tell
    if arm.trials and not trials and config.trials_from == interface.TRY:
        prior = dataclasses.replace(prior, motors=1.0)  # which still show
    by_demo = trials and METHODS[METHODS[arm.method].trial_source].config.demos
    if (config.demos or by_demo) and oracle_bound.settled(pair.task, demo_seeds):
        return 1.0 if trials else prior.motors
    if config.demos and trials:
        trial = oracle_bound.readings(pair.task, pair.demo_seed, pair.scene_seed)
        return oracle_bound.demo_and_trial(trial, read, prior)
    if config.demos:
        return oracle_bound.demo_only(read, prior)
    if by_demo:
        return oracle_bound.trial_of_demo_only(read, prior)
    return oracle_bound.nth_trial(prior, 1 + len(arm.trials) if trials else 1)
