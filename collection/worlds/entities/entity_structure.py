"""Worlds whose scenes are made of entities, one of which is the target of a task."""

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import mujoco
import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import actuator_gains, disturbance, environment
from wtl.collection.worlds.entities.expert import Expert
from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.entities.oracle_bound import OracleBound
from wtl.collection.worlds.entities.relabel import EntityRelabeller
from wtl.collection.worlds.entities.rule import Rule
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Command, Spec, World
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.layout import Layout


@dataclasses.dataclass(frozen=True)
class EntityStructure:
    """Structure of scenes of entities.

    Attributes:
      families: families of tasks by name; the oracle is given their numbers in this
        order.
      objects: (name, size, seed) -> the entities in every scene of a task, with
        `name`, `size`, `present` of which are in the scenes, and `scene(scene_seed)`;
        without those of a category `left_out`, and with `clutter`, if these are given.
      layout: (size) -> layout of the observed states.
      environment: class of its environments, made of a scene config; where there are
        cameras also of a `CameraConfig`.
      model: (object set, name of the body that acts) -> MuJoCo model; the body is one
        of `robots`, or `human`.
      experts: scripted expert by family.
      noise_share: (task) -> [A] share of the exploration noise of each dimension of the
        action.
      human: (family, generator) -> simulated human; None if there is none.
      draw_rule: (objects, family, number of the task in its family, generator, weights
        of kinds) -> rule; None for rules by identity and by position, see
        `TaskDistribution.identity_share`.
      rule_kinds: kinds that `draw_rule` knows, and whether a rule of the kind picks
        each entity.
      categories: categories of objects that can be left out.
      clutter_places: greatest number of props in a scene that are no entities.
      draws_dynamics: whether tasks may draw all hidden dynamics of their entities.
      reset_room: largest `Disturbance.reset_error` at which no entities touch, metres;
        0 where none moves.
      robots: names of the robots that can act, the default one first.
    """

    families: Mapping[str, Family]
    objects: Callable[..., Any]
    layout: Callable[[int], Layout]
    environment: type[environment.SceneEnvironment]
    model: Callable[[Any, str], mujoco.MjModel]
    experts: Mapping[str, Expert]
    noise_share: Callable[[Task], np.ndarray]
    human: Callable[[str, np.random.Generator], Expert] | None = None
    draw_rule: Callable[..., Rule] | None = None
    rule_kinds: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    categories: Collection[str] = ()
    clutter_places: int = 0
    draws_dynamics: bool = False
    reset_room: float = 0.0
    robots: Sequence[str] = (registry.DEFAULT_ROBOT,)

    def instruction(self, family: str, rule: str, size: int) -> str:
        """Return the sentence of a stored task; empty if family or rule is unknown."""
        with contextlib.suppress(KeyError, ValueError):
            parsed = Rule.parse(rule) if rule else None
            return self.families[family].sentence(parsed, size)
        return ""

    def world(self, name: str, **capabilities: Any) -> World:
        """Return the world of this structure.

        Args:
          name: its name.
          **capabilities: further fields of `World`.
        """
        made = self.environment
        capabilities.setdefault("configurables", {})
        capabilities.setdefault("relabel", EntityRelabeller)
        capabilities.setdefault("oracle_bound", OracleBound)
        capabilities["configurables"] |= {
            "motor_faults": actuator_gains.ActuatorGainDistribution,
            "disturbance": disturbance.Disturbance,
        }
        takes_camera = capabilities.get("has_cameras", False)

        def tasks(split: str, seed: int, **options: Any) -> Sequence[Task]:
            return TaskDistribution(domain=name, seed=seed, **options).tasks(split)

        def make_env(task: Task, scene_seed: int, camera: CameraConfig = NO_CAMERA):
            # Training tasks have no rule: their first entity stands for the target.
            scene = (
                task.scene(scene_seed) if task.rule else task.scene_of(scene_seed, 0)
            )
            return made(scene, camera) if takes_camera else made(scene)

        state = self.layout(TaskDistribution.size).state_size
        return World(
            name=name,
            spec=Spec(
                observation={fields.STATE: environment.state_spec(state)},
                action=environment.action_spec(made.axes),
                axes=made.axes,
                control_hz=made.control_hz,
                horizon=made.horizon,
            ),
            families=tuple(self.families),
            tasks=tasks,
            make_env=make_env,
            expert=self.expert,
            encoder=self.layout,
            human_videos=self.human is not None,
            entities=self,
            **capabilities,
        )

    def expert(self, scene: SceneConfig, rng: np.random.Generator):
        """Return the expert, or the simulated human, of a scene; see `World.expert`."""
        if scene.is_human:
            act = self.human(scene.task.family, rng)
        else:
            act = self.experts[scene.task.family]
        share = self.noise_share(scene.task)

        def command(env, noise: float, rng: np.random.Generator) -> Command:
            wanted = act(env.foreseen, env.scene_config.target)
            scale = noise * wanted.noise * share
            moved = wanted.action + scale * rng.standard_normal(len(scale))
            gains = env.gains
            return Command(
                executed=actuator_gains.command(moved, gains),
                recorded=actuator_gains.command(wanted.action, gains),
            )

        return command
