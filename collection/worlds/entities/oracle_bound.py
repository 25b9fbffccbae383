"""Success of an ideal agent with perfect motor skill, by enumerating the rules.

The agent knows the prior over rules and acts for the likeliest target; what it is
worth is measured under the rule that holds. Ties count by their share. Hidden dynamics
are no secret to it: where they are drawn per task (faulty motors, pucks, the friction
of slides), its success is an upper bound for whoever has to find them out. But where
motors may run backwards and every one of them counts, it settles before it begins for
the likeliest way in which they turn: who finds out on the way tries twice in one
episode.
"""

import dataclasses
from collections.abc import Sequence

from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities import task_distribution as suites
from wtl.collection.worlds.entities.task import Rule, RuleKind, Task


@dataclasses.dataclass(frozen=True)
class Readings:
    """How a demonstration can be read in another scene.

    Attributes:
      identity: canonical index of the target if the rule is by identity.
      position: the same if it is by position.
      true: the same under the rule that holds.
    """

    identity: int
    position: int
    true: int

    @property
    def conflict(self) -> bool:
        """Whether the two readings differ."""
        return self.identity != self.position


def readings(task: Task, demo_seed: int, scene_seed: int) -> Readings:
    """Reads a demonstration of a task, made in one scene, in another scene."""
    demo_scene = task.object_set.scene(demo_seed)
    scene = task.object_set.scene(scene_seed)
    shown = environment.referent(task, task.rule, demo_scene)
    places = demo_scene.places(task.goal.kind)
    by_position = Rule(RuleKind.POSITION, int(places[shown]))
    return Readings(
        identity=shown,
        position=environment.referent(task, by_position, scene),
        true=environment.referent(task, task.rule, scene),
    )


@dataclasses.dataclass(frozen=True)
class Prior:
    """What is known of tasks before anything is shown.

    Attributes:
      identity_share: share of rules by identity.
      families: number of families.
      size: number of entities, one of which is the target.
      motors: probability of the likeliest way in which all motors may turn, where
        whoever has it wrong gets nowhere; a trial tells which it is.
    """

    identity_share: float
    families: int
    size: int
    motors: float = 1.0

    @classmethod
    def of(cls, suite: suites.Suite) -> "Prior":
        """That of the tasks of a suite."""
        motors = 1.0
        if suite.motor_faults and suite.world.every_motor_counts:
            motors = suite.motor_faults.likeliest
        return cls(suite.identity_share, len(suite.family_names), suite.size, motors)

    @property
    def choices(self) -> int:
        """Number of things that may be asked for in a scene."""
        return self.families * self.size


def settled(task: Task, demo_seeds: Sequence[int]) -> bool:
    """Whether demonstrations in several scenes leave one reading of the task."""
    if len(demo_seeds) < 2:
        return False
    shown = [readings(task, demo_seeds[0], seed) for seed in demo_seeds[1:]]
    return any(read.conflict for read in shown)


def _told(read: Readings, prior: Prior) -> float:
    """Picks the target by the likelier kind of rule."""
    likely = read.identity if prior.identity_share >= 0.5 else read.position
    return float(likely == read.true)


def demo_only(read: Readings, prior: Prior) -> float:
    """Knows the demonstration: follows the likelier kind of rule."""
    return prior.motors * _told(read, prior)


def demo_and_trial(trial: Readings, retrial: Readings, prior: Prior) -> float:
    """Knows the demonstration and its own trial, which may be of another scene."""
    told = _told(retrial, prior)
    if not trial.conflict:
        return told
    # Where the motors got it there, success or failure tells the rule.
    return prior.motors + (1 - prior.motors) * told


def trial_of_demo_only(read: Readings, prior: Prior) -> float:
    """Knows the trial of an agent that saw the demonstration, but not that one."""
    if _told(read, prior):
        return 1.0
    return prior.motors / (prior.size - 1)


def nth_trial(prior: Prior, number: int) -> float:
    """Knows all its trials before in the same scene, and nothing else.

    The first is made knowing nothing: one family and one target out of all. It goes
    through them one by one, and stays with what succeeds. Where it has the motors
    wrong its first trial tells them, and nothing else.
    """

    def found(tried: int) -> float:
        return min(tried / prior.choices, 1.0)

    return prior.motors * found(number) + (1 - prior.motors) * found(number - 1)
