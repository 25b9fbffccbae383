"""World: its interface to stages, datasets, policies and reports."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.expert import Expert
from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.scene_renderer import SceneRenderer
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.layout import Layout

if TYPE_CHECKING:
    from wtl.collection.teleop.interface import Teleop


@dataclasses.dataclass(frozen=True)
class World:
    """World by its parts, see `wtl.collection.worlds.registry`.

    Attributes:
      name: its key in the registry.
      families: its families by name; the oracle is given their numbers in this order.
      noise_share: (task) -> [A] share of the exploration noise of each dimension of the
        action.
      objects: (name, size, seed) -> the entities in every scene of a task, with
        `name`, `size` and `scene(scene_seed)`.
      layout: (size) -> layout of the observed states.
      environment: class of its environments, made of a scene config; where there are
        cameras also of a `CameraConfig`.
      model: (object set, embodiment) -> MuJoCo model.
      experts: scripted expert by family.
      all_gains_matter: whether an agent that is wrong about the sign of a gain never
        succeeds; oracle bounds take account of that.
      moves_as_commanded: whether a control step moves by gain times command, so that a
        trial reveals the gains as soon as anything moves.
      human: (family, generator) -> simulated human; None if there is none.
      has_cameras: whether there are cameras and videos of the simulated human.
      draws_dynamics: whether tasks may draw all hidden dynamics of their entities.
      trial_tasks: (vector environment, [(task, scene seed)], shaped) -> `TaskPool` of
        methods that learn from trials alone.
      configurables: gin name -> class of an object of this world that gin configures.
      version: raised whenever the same seed no longer gives the same episode.
      renderer: renders stored episodes; None if they can't be rendered.
      teleop: mapping between an operator and the world; None if there is none.
    """

    name: str
    families: Mapping[str, Family]
    noise_share: Callable[[Task], np.ndarray]
    objects: Callable[[str, int, int], Any]
    layout: Callable[[int], Layout]
    environment: type[environment.SceneEnvironment]
    model: Callable[[Any, Embodiment], mujoco.MjModel]
    experts: Mapping[str, Expert]
    all_gains_matter: bool = False
    moves_as_commanded: bool = False
    human: Callable[[str, np.random.Generator], Expert] | None = None
    has_cameras: bool = False
    draws_dynamics: bool = False
    trial_tasks: Callable[..., Any] | None = None
    configurables: Mapping[str, type] = dataclasses.field(default_factory=dict)
    version: str = "1.0.0"
    renderer: SceneRenderer | None = None
    teleop: "Teleop | None" = None

    def open(
        self, scene_config: environment.SceneConfig, camera: CameraConfig = NO_CAMERA
    ) -> environment.SceneEnvironment:
        """Return an environment of this world that starts with `scene_config`."""
        if not self.has_cameras:
            return self.environment(scene_config)
        return self.environment(scene_config, camera)
