"""Oracle bound: success of an ideal agent with perfect skill, by enumerating rules.

The agent knows the prior over rules and acts for the likeliest target; its success is
that under the true rule. Ties count by their share. It knows the hidden dynamics: where
these are drawn per task (actuator gains, objects, the friction of slides), its success
is an upper bound for agents that have to infer them. With gains that may be negative
and all of which matter, though, it decides for the likeliest signs before it begins: an
agent that infers them on the way makes two attempts in one episode.

In one episode an agent may act on one entity of each kind: all families but those of
another kind fail if a second entity is acted on. Without a demonstration it presses a
button and then moves an object.
"""

import collections
import dataclasses
import functools
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
    kind = task.goal.kind
    demo_scene = task.object_set.scene(demo_seed)
    scene = task.object_set.scene(scene_seed)
    shown = demo_scene.referent(task.rule, kind)
    by_position = Rule(RuleKind.POSITION, int(demo_scene.places(kind)[shown]))
    return Readings(
        identity=shown,
        position=scene.referent(by_position, kind),
        true=scene.referent(task.rule, kind),
    )


@dataclasses.dataclass(frozen=True)
class Prior:
    """Prior over tasks, before any demonstration or trial.

    Attributes:
      identity_share: share of rules by identity.
      families: number of families of each kind of entity.
      size: number of entities of a kind, one of which is the target.
      motors: share of tasks with the commonest signs of the actuator gains, where wrong
        signs prevent success; a trial reveals them.
    """

    identity_share: float
    families: tuple[int, ...]
    size: int
    motors: float = 1.0

    @classmethod
    def of(cls, suite: TaskDistribution, split: str) -> "Prior":
        """Return the prior over the tasks of a split of a distribution.

        The signs are those that were drawn: of few tasks, one pair of signs has more
        than its share.
        """
        families = suite.world.entities.families
        kinds = collections.Counter(families[name].kind for name in suite.family_names)
        motors = 1.0
        if suite.motor_faults and suite.world.all_gains_matter:
            tasks = suite.tasks(split)
            signs = collections.Counter(
                tuple(gain > 0 for gain in task.gains) for task in tasks
            )
            motors = max(signs.values()) / len(tasks)
        of_kind = tuple(kinds.values())
        return cls(suite.identity_share, of_kind, suite.size, motors)


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

    The agent tries families and targets one by one, one of each kind of entity in a
    trial, and repeats a success. With wrong signs of the gains its first trial reveals
    these, and nothing else.
    """
    choices = [families * prior.size for families in prior.families]

    def found(tried: int) -> float:
        return sum(min(tried, of_kind) for of_kind in choices) / sum(choices)

    return prior.motors * found(number) + (1 - prior.motors) * found(number - 1)


class OracleBound:
    """See `wtl.collection.worlds.oracle.OracleBound`."""

    def __init__(self, distribution: TaskDistribution):
        """Take the priors over the tasks of the splits of a distribution."""
        self._prior = functools.cache(functools.partial(Prior.of, distribution))

    def success(self, given: Information) -> float:
        """See the interface."""
        prior = self._prior(given.task.split)
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

    def nth_trial(self, number: int, split: str) -> float:
        """See the interface."""
        return nth_trial(self._prior(split), number)

    def conflict(self, task: Task, demo_seed: int, scene_seed: int) -> bool:
        """See the interface."""
        return readings(task, demo_seed, scene_seed).conflict
