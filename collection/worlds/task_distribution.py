"""Task distribution: splits by object set, rules, scenes of each task."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Protocol

import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.entities.disturbance import Disturbance
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import HiddenDynamics, Task
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.layout import Layout
from wtl.datasets.contract.limits import Count, Limits, Natural, Share
from wtl.datasets.contract.names import did_you_mean


class DynamicsDistribution(Protocol):
    """Distribution of the hidden dynamics of a task's entities.

    Attributes:
      hidden_size: number of hidden variables.
    """

    hidden_size: int

    def draw(self, rng: np.random.Generator) -> HiddenDynamics:
        """Draw the dynamics of a task."""

    def outside(self) -> Mapping[str, "DynamicsDistribution"]:
        """Return distributions of dynamics that this one does not draw, by name."""


@dataclasses.dataclass(frozen=True)
class TaskDistribution:
    """Distribution of the tasks of a run, with disjoint object sets of the splits.

    Attributes:
      size: number of entities of each kind in each scene; more than nine colours are
        hardly told apart.
      train_object_sets: object sets to train on.
      train_tasks: tasks to train on, dealt out evenly over sets and families.
      scenes_per_task: scenes in which each training task is demonstrated. Retrials in
        another scene than their trials are trained only with three or more.
      complete: every target of every training scene is demonstrated and the rule is
        drawn with the training example. Otherwise each training task has one rule
        and one demonstration per scene.
      val_tasks: held-out tasks, each with a set of its own, for choices.
      test_tasks: held-out tasks, each with a set of its own, for the final result.
      identity_share: share of rules by identity.
      seed: world seed.
      train_rules: kinds of the rules of training tasks, where a world has several;
        empty for all.
      test_rules: the same of validation and test tasks.
      rule_weights: how often there are rules of each kind that the world has, in its
        order, relative to the others; empty for each as often as the others.
      left_out_objects: category of objects that are in no training scene; '' for none.
      clutter: greatest number of props in a scene that are no entities, where a world
        has room for them.
      left_out: held-out family, of which no task is trained on; '' for none.
        Validation and test tasks are of all families.
      domain: name of the world, see `wtl.collection.worlds.registry`.
      families: names of the families of the tasks; None for all of the world.
      motor_faults: distribution of the actuator gains; None for nominal actuators,
        which demonstrations have in any case.
      puck: distribution of all hidden dynamics of objects; None for the friction of
        the family alone.
      disturbance: noise of observations, latency of actions and error of resets; None
        for none of them.
      robot: name of the robot; `free` moves without an arm. Empty for the first one of
        the world.

    Raises:
      UserError: if there is no such world or family, or the world lacks a feature.
    """

    size: Annotated[int, Limits(2, 9)] = 3
    train_object_sets: Count = 1500
    train_tasks: Natural = 1500
    scenes_per_task: Count = 3
    complete: bool = True
    val_tasks: Natural = 40
    test_tasks: Natural = 200
    identity_share: Share = 0.6
    seed: int = 0
    train_rules: tuple[str, ...] = ()
    test_rules: tuple[str, ...] = ()
    rule_weights: tuple[int, ...] = ()
    left_out_objects: str = ""
    clutter: Natural = 0
    left_out: str = ""
    domain: str = registry.DEFAULT
    families: tuple[str, ...] | None = None
    motor_faults: ActuatorGainDistribution | None = None
    puck: DynamicsDistribution | None = None
    disturbance: Disturbance | None = None
    robot: str = ""

    def __post_init__(self):
        is_stored = self.domain.partition(":")[0] == "dataset"
        if not is_stored and self.domain not in registry.names():
            known = ", ".join(registry.names())
            raise UserError(
                f"suite.domain is {self.domain!r}; known are {known}"
                + did_you_mean(self.domain, registry.names())
            )
        entities = None if is_stored else self.world.entities
        robots = entities.robots if entities else (registry.DEFAULT_ROBOT,)
        if not self.robot:
            object.__setattr__(self, "robot", robots[0])
        if is_stored:
            return  # the run reads its demonstrations
        for name in self.families or ():
            if name not in self.world.families:
                known = ", ".join(self.world.families)
                raise UserError(
                    f"suite.families names {name!r}; known are {known}"
                    + did_you_mean(name, self.world.families)
                )
        if self.left_out and self.left_out not in self.family_names:
            names = ", ".join(self.family_names)
            raise UserError(
                f"suite.left_out is {self.left_out!r}; families are {names}"
                + did_you_mean(self.left_out, self.family_names)
            )
        if self.family_names == [self.left_out]:
            raise UserError(
                f"suite.left_out = {self.left_out!r} leaves no family to train on"
            )
        if self.motor_faults and not entities:
            raise UserError(
                f"suite.motor_faults needs a world of entities; {self.domain!r} is none"
            )
        if self.disturbance and not entities:
            raise UserError(
                f"suite.disturbance needs a world of entities; {self.domain!r} is none"
            )
        kinds = entities.rule_kinds if entities else {}
        if self.robot not in robots:
            raise UserError(
                f"suite.robot is {self.robot!r}; {self.domain!r} has "
                + ", ".join(robots)
                + did_you_mean(self.robot, robots)
            )
        if self.puck and not (entities and entities.draws_dynamics):
            raise UserError(
                "suite.puck needs objects with hidden dynamics; suite.domain = "
                f"{self.domain!r} has none"
            )
        if self.puck and self.robot != registry.DEFAULT_ROBOT:
            raise UserError(
                f"suite.puck needs faster motions than suite.robot = {self.robot!r} "
                f"makes; use {registry.DEFAULT_ROBOT!r}"
            )
        if self.rule_weights and (
            len(self.rule_weights) != len(kinds) or min(self.rule_weights) < 0
        ):
            raise UserError(
                f"suite.rule_weights is {self.rule_weights}; {self.domain!r} takes a "
                f"whole number of at least 0 for each of: {', '.join(kinds) or 'none'}"
            )
        for option, given, known in (
            ("train_rules", self.train_rules, kinds),
            ("test_rules", self.test_rules, kinds),
            (
                "left_out_objects",
                [self.left_out_objects] if self.left_out_objects else (),
                entities.categories if entities else (),
            ),
        ):
            for name in given:
                if name not in known:
                    raise UserError(
                        f"suite.{option} names {name!r}; {self.domain!r} has "
                        f"{', '.join(known) or 'none'}" + did_you_mean(name, known)
                    )
        drawn = self.weights_of_kinds(fields.SPLIT_TRAIN) if kinds else {}
        if kinds and not any(map(kinds.get, drawn)):
            raise UserError(
                f"suite.train_rules is {self.train_rules} and suite.rule_weights is "
                f"{self.rule_weights}; training needs one of "
                + ", ".join(kind for kind in kinds if kinds[kind])
                + ", since rules of the others do not pick every target"
            )
        if kinds and not self.weights_of_kinds(fields.SPLIT_TEST):
            raise UserError("suite.rule_weights leaves no kind of suite.test_rules")
        places = entities.clutter_places if entities else 0
        if self.clutter > places:
            raise UserError(
                f"suite.clutter is {self.clutter}; {self.domain!r} has places for "
                f"{places} props at most"
            )
        room = entities.reset_room if entities else 0.0
        if self.disturbance and self.disturbance.reset_error > room:
            raise UserError(
                f"disturbance.reset_error is {self.disturbance.reset_error}; objects "
                f"of {self.domain!r} have room for {room} m at most"
            )

    @property
    def family_names(self) -> list[str]:
        """Names of the families of the tasks, in the order they are dealt out."""
        return list(self.families or self.world.families)

    @property
    def world(self) -> World:
        """World of the tasks."""
        return registry.get(self.domain)

    @property
    def hidden_dynamics_size(self) -> int:
        """Number of hidden variables of objects beyond friction."""
        return self.puck.hidden_size if self.puck else 0

    @property
    def layout(self) -> Layout:
        """Layout of the states of its scenes."""
        return self.world.encoder(self.size)

    def weights_of_kinds(self, split: str) -> dict[str, int]:
        """Return the kinds of the rules of a split, with how often there are those."""
        is_train = split == fields.SPLIT_TRAIN
        kinds = self.world.entities.rule_kinds
        weights = dict(zip(kinds, self.rule_weights or (1,) * len(kinds), strict=True))
        chosen = (self.train_rules if is_train else self.test_rules) or kinds
        return {kind: weights[kind] for kind in chosen if weights[kind]}

    def tasks(self, split: str) -> list[Task]:
        """Return the tasks of a split, families and rules in fixed proportions."""
        count = getattr(self, f"{split}_tasks")
        if not self.world.entities:
            return self._plain_tasks(split, count)
        sets = (
            min(self.train_object_sets, count) if split == fields.SPLIT_TRAIN else count
        )
        held_out = self.left_out if split == fields.SPLIT_TRAIN else None
        names = [name for name in self.family_names if name != held_out]
        left_out = self.left_out_objects if split == fields.SPLIT_TRAIN else ""
        options = {"left_out": left_out} if left_out else {}
        if self.clutter:
            options["clutter"] = self.clutter
        weights = self.weights_of_kinds(split)
        drawn = [
            self.world.entities.objects(
                f"{split}-{i:05d}", self.size, self.seed, **options
            )
            for i in range(sets)
        ]
        result = []
        for i in range(count):
            # Dealing set by set, then shifting the families by one each round, gives
            # every set different families.
            repeat, index = divmod(i, sets)
            family = names[(index + repeat) % len(names)]
            chosen = drawn[index]
            named = (chosen.name, family, repeat)
            rng = seeding.generator(self.seed, "dynamics", *named)
            rule = None
            if split != fields.SPLIT_TRAIN or not self.complete:
                draw_rule = self.world.entities.draw_rule
                rule = (
                    draw_rule(chosen, family, i // len(names), rng, weights)
                    if draw_rule
                    else self._rule(i // len(names), rng)
                )
            friction = self.world.entities.families[family].draw_friction(rng)
            gains, puck = (), None
            if self.motor_faults:
                rng = seeding.generator(self.seed, "motors", *named)
                gains = self.motor_faults.draw(rng, self.world.spec.axes)
            if self.puck:
                puck = self.puck.draw(seeding.generator(self.seed, "puck", *named))
                chosen, friction = puck.weigh(chosen), puck.friction[1]
            hidden = {"friction": friction, "gains": gains, "puck": puck}
            where = {"split": split, "index": repeat, "domain": self.domain}
            where |= {"disturbance": self.disturbance, "robot": self.robot}
            where["onset"] = self.motor_faults.onset if self.motor_faults else 0
            result.append(Task(chosen, family, rule=rule, **hidden, **where))
        return result

    def _plain_tasks(self, split: str, count: int) -> list[Task]:
        """Return tasks of a world without entities, of the families that are wanted."""
        wanted = set(self.family_names)
        if split == fields.SPLIT_TRAIN:
            wanted -= {self.left_out}
        tasks = self.world.tasks(split, self.seed, count=count) if count else []
        if 0 < len(tasks) < count:
            raise UserError(
                f"suite.{split}_tasks = {count}, but world {self.domain!r} has "
                f"{len(tasks)} tasks of the split {split!r}; lower it, or let "
                "tasks() return more"
            )
        for task in tasks:
            if not self.families and task.family not in self.world.families:
                raise UserError(
                    f"world {self.domain!r}: the task {task.task_id!r} is of the "
                    f"family {task.family!r}, but the first tasks of each split are of "
                    f"{', '.join(self.world.families)} alone; let tasks() return one "
                    "of each family among the first 100"
                )
        return [task for task in tasks if task.family in wanted][:count]

    def _rule(self, index: int, rng) -> Rule:
        # Spreads the identity rules evenly: exact shares within every family.
        by_identity = (
            int((index + 1) * self.identity_share + 1e-9)
            - int(index * self.identity_share + 1e-9)
        ) > 0
        kind = RuleKind.IDENTITY if by_identity else RuleKind.POSITION
        return Rule(kind, int(rng.integers(self.size)))

    def demonstration_scenes(
        self, task: Task, scenes: int | None = None
    ) -> list[SceneConfig]:
        """Return scene configs for demonstrations of a task, with nominal actuators.

        There are `scenes_per_task` scenes by default.
        """
        made = []
        for i in range(scenes or self.scenes_per_task):
            seed = self.scene_seed(task, "demo", i)
            if task.rule is None:
                made += [task.scene_of(seed, t) for t in task.targets]
            else:
                made.append(task.scene(seed))
        return [dataclasses.replace(scene, nominal_actuators=True) for scene in made]

    def scene_seed(self, task: Task, purpose: str, index: int) -> int:
        """Return the seed of a scene of a task, a pure function of the arguments."""
        return seeding.derive_seed(self.seed, "scene", task.task_id, purpose, index)

    def episode_spec(
        self, camera: CameraConfig = NO_CAMERA, is_human: bool = False
    ) -> EpisodeSpec:
        """Return the spec of the episodes of its tasks.

        Args:
          camera: of the environments.
          is_human: whether the simulated human acts.
        """
        world = self.world
        if world.episodes:
            return world.episodes
        return episode_spec(
            self.size,
            camera,
            Embodiment.HUMAN if is_human else Embodiment.ROBOT,
            self.domain,
            self.motor_faults is not None,
            self.hidden_dynamics_size,
            self.robot,
        )
