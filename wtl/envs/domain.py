"""The worlds that tasks can be of: the gripper's table, and the reacher's plane.

Stages, datasets, policies, evaluation and report are written for any of them. They
meet a world in these places only:

- `Suite.domain` names it; `Task.domain` passes the name on to worker processes.
- A `Domain`, below, has what the simulated world itself knows: families, what is
  drawn for a task, environments, and the layout of states.
- An object set knows its scenes; a scene says which entity is in which place and slot.
- A `Layout` says which parts of a state vector are entities that can be meant, where
  and of which colour they are, and reads off an episode which was acted on. Sampler,
  augmentation and encoders need no more than that.
- What only one floor knows is there, found by family or layout: demonstrators in
  `collection.demonstrators`, inputs of networks in `policies.features`, pictures in
  `wtl.evaluation.picture`.

A new world is a package beside `wtl.envs.reacher`, a line in `DOMAINS`, and a line in
each of these three.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import mujoco

from wtl.envs import (
    environment,
    families,
    layout,
    model,
    object_set,
    observation,
    task,
)
from wtl.envs.embodiment import Embodiment
from wtl.envs.families import Family
from wtl.envs.reacher import environment as reacher_environment
from wtl.envs.reacher import observation as reacher_observation
from wtl.envs.reacher import target_set
from wtl.envs.reacher import world as reacher_world

GRIPPER, REACHER, DENSE_REACHER = "gripper", "reacher", "dense_reacher"


@dataclasses.dataclass(frozen=True)
class Domain:
    """What a simulated world knows of itself.

    Attributes:
      families: its families by name; the oracle is told their numbers in this order.
      noise: how much of the exploration noise each dimension of the action bears.
      objects: (name, size, seed) -> what there is in every scene of a task, with
        `name`, `size` and `scene(scene_seed)`.
      layout: (size) -> layout of the observed states.
      environment: class of its environments, made of a setup; where there are cameras
        also of `pixels` and `wrist`, as `Manipulation` is.
      model: (object set, embodiment) -> MuJoCo model.
      every_motor_counts: whether no goal is ever reached by somebody who is wrong about
        the direction of a motor; then ceilings take account of that.
      moves_as_commanded: whether a control step moves by gain times command, so that a
        trial shows the gains as soon as anything moves.
      can_be_seen: whether there are cameras, humans and teleoperation.
    """

    families: Mapping[str, Family]
    noise: tuple[float, ...]
    objects: Callable[[str, int, int], Any]
    layout: Callable[[int], layout.Layout]
    environment: type[environment.SceneEnvironment]
    model: Callable[[Any, Embodiment], mujoco.MjModel]
    every_motor_counts: bool = False
    moves_as_commanded: bool = False
    can_be_seen: bool = False

    def open(
        self, setup: environment.Setup, pixels: int = 0, wrist: bool = False
    ) -> environment.SceneEnvironment:
        """Returns an environment whose first episode is `setup`.

        Args:
          setup: of a task of this world.
          pixels: height and width of the images to observe; 0 for none.
          wrist: whether the gripper's own camera observes too.
        """
        sight = {"pixels": pixels, "wrist": wrist} if self.can_be_seen else {}
        return self.environment(setup, **sight)


def _reacher(env: type[environment.SceneEnvironment]) -> Domain:
    return Domain(
        families=families.REACHING,
        noise=(1.0, 1.0),
        objects=target_set.draw,
        layout=reacher_observation.Layout,
        environment=env,
        model=lambda targets, _: reacher_world.compile_model(targets),
        every_motor_counts=True,
    )


DOMAINS: dict[str, Domain] = {
    GRIPPER: Domain(
        families=families.FAMILIES,
        noise=(1.0, 1.0, 1.0, 1.0, 0.3),
        objects=object_set.draw,
        layout=observation.Layout,
        environment=environment.Manipulation,
        model=model.compile_model,
        moves_as_commanded=True,
        can_be_seen=True,
    ),
    REACHER: _reacher(reacher_environment.Reacher),
    DENSE_REACHER: _reacher(reacher_environment.DenseReacher),
}


def of(item: task.Task) -> Domain:
    """The domain of a task."""
    return DOMAINS[item.domain]
