"""Oracle bound: success of an ideal agent with perfect skill, by enumerating rules.

The agent knows the prior over rules and acts for the likeliest target; its success is
that under the true rule. Ties count by their share. It knows the hidden dynamics: where
these are drawn per task (actuator gains, objects, the friction of slides), its success
is an upper bound for agents that have to infer them. With gains that may be negative
and all of which matter, though, it decides for the likeliest signs before it begins: an
agent that infers them on the way makes two attempts in one episode.
"""

import dataclasses
from collections.abc import Sequence

from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.oracle import Information
from wtl.collection.worlds.task_distribution import TaskDistribution


@dataclasses.dataclass(frozen=True)
class Readings:
    """Readings of a demonstration in another scene.

    Attributes:
      identity: canonical index of the target if the rule is by identity.
      position: the same if it is by position.
      true: the same under the true rule.
    """

    identity: int
    position: int
    true: int

    @property
    def conflict(self) -> bool:
        """Whether the two readings differ."""
        return self.identity != self.position


def readings(task: Task, demo_seed: int, scene_seed: int) -> Readings:
    """Return the readings of a demonstration in the scene of another seed."""
    demo_scene = task.object_set.scene(demo_seed)
    scene = task.object_set.scene(scene_seed)
    shown = task.referent(task.rule, demo_scene)
    places = demo_scene.places(task.goal.kind)
    by_position = Rule(RuleKind.POSITION, int(places[shown]))
    return Readings(
        identity=shown,
        position=task.referent(by_position, scene),
        true=task.referent(task.rule, scene),
    )


@dataclasses.dataclass(frozen=True)
class Prior:
    """Prior over tasks, before any demonstration or trial.

    Attributes:
      identity_share: share of rules by identity.
      families: number of families.
      size: number of entities, one of which is the target.
      motors: probability of the likeliest signs of the actuator gains, where wrong
        signs prevent success; a trial reveals them.
    """

    identity_share: float
    families: int
    size: int
    motors: float = 1.0

    @classmethod
    def of(cls, suite: TaskDistribution) -> "Prior":
        """Return the prior over the tasks of a distribution."""
        motors = 1.0
        if suite.motor_faults and suite.world.all_gains_matter:
            motors = suite.motor_faults.likeliest
        return cls(suite.identity_share, len(suite.family_names), suite.size, motors)

    @property
    def choices(self) -> int:
        """Number of combinations of family and target in a scene."""
        return self.families * self.size


def settled(task: Task, demo_seeds: Sequence[int]) -> bool:
    """Whether demonstrations in several scenes leave one reading of the task."""
    if len(demo_seeds) < 2:
        return False
    shown = [readings(task, demo_seeds[0], seed) for seed in demo_seeds[1:]]
    return any(read.conflict for read in shown)


def _by_likelier(read: Readings, prior: Prior) -> float:
    """Return the success of picking the target by the likelier kind of rule."""
    likely = read.identity if prior.identity_share >= 0.5 else read.position
    return float(likely == read.true)


def demo_only(read: Readings, prior: Prior) -> float:
    """Return the success of an agent that is given the demonstration alone."""
    return prior.motors * _by_likelier(read, prior)


def demo_and_trial(trial: Readings, retrial: Readings, prior: Prior) -> float:
    """Return the success given the demonstration and a trial, perhaps elsewhere."""
    likelier = _by_likelier(retrial, prior)
    if not trial.conflict:
        return likelier
    # Where the trial got to a target, success or failure reveals the rule.
    return prior.motors + (1 - prior.motors) * likelier


def trial_of_demo_only(read: Readings, prior: Prior) -> float:
    """Return the success given the trial of `demo_only`, without the demonstration."""
    if _by_likelier(read, prior):
        return 1.0
    return prior.motors / (prior.size - 1)


def nth_trial(prior: Prior, number: int) -> float:
    """Return the success given all previous trials in the same scene, and no more.

    The agent tries families and targets one by one, and repeats a success. With wrong
    signs of the gains its first trial reveals these, and nothing else.
    """

    def found(tried: int) -> float:
        return min(tried / prior.choices, 1.0)

    return prior.motors * found(number) + (1 - prior.motors) * found(number - 1)


class OracleBound:
    """See `wtl.collection.worlds.oracle.OracleBound`."""

    def __init__(self, distribution: TaskDistribution):
        """Take the prior over the tasks of a distribution."""
        self._prior = Prior.of(distribution)

    def success(self, given: Information) -> float:
        """See the interface."""
        prior = self._prior
        if given.motion and not given.trials:
            prior = dataclasses.replace(prior, motors=1.0)
        read = readings(given.task, given.demo_seeds[0], given.scene_seed)
        informed = given.demonstrated or given.of_demonstrated
        if informed and settled(given.task, given.demo_seeds):
            return 1.0 if given.trials else prior.motors
        if given.demonstrated and given.trials:
            trial = readings(given.task, given.demo_seeds[0], given.trial_seed)
            return demo_and_trial(trial, read, prior)
        if given.demonstrated:
            return demo_only(read, prior)
        if given.of_demonstrated:
            return trial_of_demo_only(read, prior)
        return nth_trial(prior, 1 + given.trials)

    def nth_trial(self, number: int) -> float:
        """See the interface."""
        return nth_trial(self._prior, number)

    def conflict(self, task: Task, demo_seed: int, scene_seed: int) -> bool:
        """See the interface."""
        return readings(task, demo_seed, scene_seed).conflict
