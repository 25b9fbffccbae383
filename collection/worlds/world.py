"""World: its interface to stages, datasets, policies and reports."""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import dm_env
import numpy as np
from dm_env import specs

from wtl.collection.worlds.oracle import OracleBound
from wtl.collection.worlds.scene_renderer import SceneRenderer
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.store import EpisodeStore

if TYPE_CHECKING:
    from wtl.collection.teleop.interface import Teleop
    from wtl.collection.worlds.entities.entity_structure import EntityStructure


class Task(Protocol):
    """Task of a world.

    Attributes:
      task_id: name, unique in a distribution of tasks.
      family: name of its family.
      split: `train`, `val` or `test`.
      domain: name of its world.
      instruction: sentence that describes it.
      parameters: JSON-able description of what sets it apart.
    """

    task_id: str
    family: str
    split: str
    domain: str
    instruction: str
    parameters: Mapping[str, Any]

    def scene(self, scene_seed: int) -> "Scene":
        """Return the scene of a seed."""


class Scene(Protocol):
    """Scene config: scene of a task in which one episode is played.

    Attributes:
      task: the task.
      scene_seed: seed of the initial state.
      is_human: whether the simulated human acts.
    """

    task: Task
    scene_seed: int
    is_human: bool


class Environment(Protocol):
    """Environment of a world: a `dm_env.Environment` that stages play.

    Attributes:
      horizon: control steps of an episode.
      control_hz: control steps per second.
      scene_config: scene of the present episode.
      stored: names of the observations that are stored, where there are any.
    """

    horizon: int
    control_hz: float
    scene_config: Scene
    stored: tuple[str, ...]

    def prepare(self, scene_config: Scene):
        """Choose the scene of the next `reset`."""

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply a float[A] action."""

    def recorded(self) -> dict[str, np.ndarray]:
        """Return what is stored of the present step besides the observation."""

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the present episode, known at its end."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Command of an expert for one control step.

    Attributes:
      executed: float64[A], with noise.
      recorded: float64[A], the clean label; recorded unless executed actions are.
    """

    executed: np.ndarray
    recorded: np.ndarray


# (environment, standard deviation of noise, generator of noise) -> command.
Expert = Callable[[Environment, float, np.random.Generator], Command]

# (states [..., S], actions [..., A], next states [..., S]) -> rewards [...], of arrays
# and of tensors.
Reward = Callable[[Any, Any, Any], Any]

# states [..., S] -> bool[...], of arrays and of tensors.
Ends = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Spec:
    """Specification of the environments of a world.

    Attributes:
      observation: spec of each observation by name, without cameras.
      action: spec of the float32[A] action.
      axes: names of the A dimensions of the action.
      control_hz: control steps per second.
      horizon: control steps of an episode.
    """

    observation: Mapping[str, specs.Array]
    action: specs.BoundedArray
    axes: tuple[str, ...]
    control_hz: float
    horizon: int


@dataclasses.dataclass(frozen=True)
class World:
    """World by its parts; None stands for a capability that it lacks.

    Attributes:
      name: its key in the registry.
      spec: of its environments, with as many entities as by default.
      families: names of the families of its tasks.
      tasks: (split, seed, further options) -> tasks.
      make_env: (task, scene seed, camera) -> environment; None of mere datasets.
      expert: (scene, generator of its choices) -> actor that demonstrates.
      episodes: spec of its stored episodes, of worlds without entities.
      relabel: (demonstrations, layout, trials, further options) -> `Relabeller`: the
        other tasks that an episode demonstrates or solves.
      oracle_bound: (task distribution) -> success of ideal agents.
      encoder: (number of entities) -> layout, and thereby features and drawing, of the
        observed states.
      renderer: renders stored episodes.
      teleop: mapping between an operator and the world.
      human_videos: whether there is a simulated human, filmed by cameras.
      perception: () -> module that estimates states from images, see
        `wtl.collection.worlds.perception`; it needs TensorFlow.
      side_by_side: greatest number of environments that a process plays at once; None
        if they are so small that it does not matter.
      images: height and width of the images that its environments always observe, by
        name, as policies take them.
      normaliser: (training demonstrations) -> `wtl.policies.normaliser.Normaliser`
        of states and actions; without one they are given to networks as they are.
      reward: rewards of its states and actions, for policies that plan.
      ends: states [..., S] -> bool[...], at which of them an episode ends, for the
        same; arrays and tensors are taken alike. None if it ends at its horizon alone.
      rehearse: (environment, actions [N, H, A], with_fault) -> the rewards [N, H] that
        they would earn there from now on, with what is hidden or without it, and
        bool[N, H] at which step the episode would end.
      trial_tasks: (vector environment, [(task, scene seed)], shaped) -> `TaskPool` of
        methods that learn from trials alone.
      strike_tasks: (vector environment, [(task, scene seed)]) -> `TaskPool` in which a
        trial is one strike of an object with hidden dynamics; it has what
        `wtl.policies.strikes.view.StrikeView` lists, and scripted strikes.
      has_cameras: whether its environments take a camera.
      all_gains_matter: whether an agent that is wrong about the sign of an actuator
        gain never succeeds; oracle bounds take account of that.
      moves_as_commanded: whether a control step moves by gain times command, so that a
        trial reveals the gains as soon as anything moves.
      entities: structure of its scenes, if they are made of entities.
      plain: arguments of `wtl.worlds.dm_env` that made it, for `wtl serve_world`.
      address: `host:port` of the server of a remote world.
      check: raises an error if no environment can be made at present.
      configurables: gin name -> class of an object of this world that gin configures.
      version: raised whenever the same seed no longer gives the same episode.
    """

    name: str
    spec: Spec
    families: tuple[str, ...]
    tasks: Callable[..., Sequence[Task]]
    make_env: Callable[[Task, int, CameraConfig], Environment] | None
    expert: Callable[[Scene, np.random.Generator], Expert] | None = None
    relabel: Callable[..., Any] | None = None
    oracle_bound: Callable[[Any], OracleBound] | None = None
    encoder: Callable[[int], Layout] | None = None
    episodes: EpisodeSpec | None = None
    renderer: SceneRenderer | None = None
    teleop: "Teleop | None" = None
    human_videos: bool = False
    perception: Callable[[], types.ModuleType] | None = None
    side_by_side: int | None = None
    images: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    normaliser: Callable[[EpisodeStore], Any] | None = None
    reward: Reward | None = None
    ends: Ends | None = None
    rehearse: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    trial_tasks: Callable[..., Any] | None = None
    strike_tasks: Callable[..., Any] | None = None
    has_cameras: bool = False
    all_gains_matter: bool = False
    moves_as_commanded: bool = False
    entities: "EntityStructure | None" = None
    plain: Mapping[str, Any] | None = None
    address: str = ""
    check: Callable[[], None] = lambda: None
    configurables: Mapping[str, type] = dataclasses.field(default_factory=dict)
    version: str = "1.0.0"

    def open(self, scene: Scene, camera: CameraConfig = NO_CAMERA) -> Environment:
        """Return an environment of this world that starts with `scene`."""
        env = self.make_env(scene.task, scene.scene_seed, camera)
        env.prepare(scene)
        return env

    @classmethod
    def remote(cls, address: str, **options: Any) -> "World":
        """Return the world that is served at `host:port`; see `wtl.worlds.remote`."""
        del cls
        from wtl.collection.worlds.remote.world import remote_world

        return remote_world(None, address, **options)
