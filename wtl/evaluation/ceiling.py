"""Success of an ideal agent with perfect motor skill, by enumerating the rules.

The agent knows the prior over rules and acts for the likeliest target; what it is
worth is measured under the rule that holds. Ties count by their share. Hidden dynamics
are no secret to it: where they are drawn per task (faulty motors, pucks, the friction
of slides), its success is an upper bound for whoever has to find them out.
"""

import dataclasses

from wtl.envs import environment, families
from wtl.envs import scene as scenes
from wtl.envs.task import Rule, RuleKind, Task


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
    size = task.object_set.size
    demo_scene = scenes.draw(size, demo_seed)
    scene = scenes.draw(size, scene_seed)
    shown = environment.referent(task, task.rule, demo_scene)
    on_buttons = families.FAMILIES[task.family].on_buttons
    places = demo_scene.button_places if on_buttons else demo_scene.object_places
    by_position = Rule(RuleKind.POSITION, int(places[shown]))
    return Readings(
        identity=shown,
        position=environment.referent(task, by_position, scene),
        true=environment.referent(task, task.rule, scene),
    )


def demo_only(read: Readings, identity_share: float) -> float:
    """Knows the demonstration: follows the likelier kind of rule."""
    likely = read.identity if identity_share >= 0.5 else read.position
    return float(likely == read.true)


def demo_and_trial(trial: Readings, retrial: Readings, identity_share: float) -> float:
    """Knows the demonstration and its own trial, which may be of another scene."""
    if trial.conflict:
        return 1.0  # its success or failure tells the rule
    return demo_only(retrial, identity_share)


def trial_of_demo_only(read: Readings, identity_share: float, size: int) -> float:
    """Knows the trial of an agent that saw the demonstration, but not that one."""
    if demo_only(read, identity_share):
        return 1.0
    return 1.0 / (size - 1)


def nothing(family_count: int, size: int) -> float:
    """Knows nothing: one family and one target out of all."""
    return 1.0 / (family_count * size)


def trial_only(family_count: int, size: int) -> float:
    """Knows a trial that was itself made knowing nothing."""
    choices = family_count * size
    return 1 / choices + (1 - 1 / choices) / (choices - 1)
