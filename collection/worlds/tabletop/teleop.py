"""Teleoperation of the tabletop: commands of the gripper and pictures of it."""

import io

import mujoco
import numpy as np
from PIL import Image

from wtl.collection.teleop.interface import Command
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import instruction, renderer
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.animation import PhysicsAnimation
from wtl.collection.worlds.tabletop.appearance import Appearance, Camera, Light
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode

_MOVE = {"slow": 0.12, "normal": 0.4, "fast": 1.0}  # shares of the largest translation
_TURN = {"slow": 0.1, "normal": 0.4, "fast": 0.8}  # shares of the largest turn
_REACHED = 0.004  # metres; a drag ends here
_DRAG_SPEED = 0.5  # of the largest translation per control step

PIXELS = 480  # of each view
_QUALITY = 75
# Both views look along the gripper's y axis: the keys for right and away move it right
# and up in the picture.
WIDE = Camera(
    azimuth=90.0, elevation=-56.0, distance=1.1, lookat=(0.0, 0.085, 0.0), fovy=42.0
)
_CLOSE_ELEVATION = -46.0
_CLOSE_DISTANCE = 0.44
_CLOSE_SHARE = 0.75  # of the height of the finger tips, so that the table is visible
_LIGHTS = (
    Light((-0.7, -0.8, 1.4), (0.4, 0.5, -0.77), (0.5, 0.49, 0.46)),
    Light((0.9, -0.6, 1.1), (-0.55, 0.4, -0.73), (0.2, 0.21, 0.23)),
)
_TARGET_RGBA = (1.0, 0.35, 0.05, 1.0)
_PLUMB_RGBA = (0.1, 0.1, 0.12, 0.55)
_ARROW_HEIGHT = 0.14  # metres above the target, where the arrow begins
_ARROW_LENGTH = 0.07


class GripperTeleop:
    """Velocities of the gripper, and fingers that stay as they are.

    See `wtl.collection.teleop.interface.Teleop`.
    """

    controls = {
        "captions": ["Drag here to lead the gripper", "Close to the fingers"],
        "axes": [  # labels and keys of the positive and the negative direction
            {
                "labels": ["right", "left"],
                "keys": ["ArrowRight", "ArrowLeft"],
                "pace": _MOVE,
                "stride": worlds.TRANSLATION_STEP,
            },
            {
                "labels": ["away", "near"],
                "keys": ["ArrowUp", "ArrowDown"],
                "pace": _MOVE,
                "stride": worlds.TRANSLATION_STEP,
            },
            {
                "labels": ["up", "down"],
                "keys": ["w", "s"],
                "pace": _MOVE,
                "stride": worlds.TRANSLATION_STEP,
            },
            {
                "labels": ["turn ↺", "turn ↻"],
                "keys": ["z", "x"],
                "pace": _TURN,
                "stride": worlds.YAW_STEP,
            },
        ],
        "latch": {"label": "grip", "help": "open or close"},
    }
    first_latch = 1.0  # scenes start with closed fingers
    latch_steps = 3  # control steps for the fingers to open or close

    def instruction(self, scene_config: SceneConfig) -> str:
        """See `Teleop`."""
        return instruction.instruction(scene_config)

    def target(self, env: environment.SceneEnvironment) -> np.ndarray:
        """See `Teleop`."""
        world, scene_config = env.world, env.scene_config
        on_buttons = scene_config.task.goal.kind == 1
        places = world.button_positions if on_buttons else world.object_positions
        return places[scene_config.target]

    def achieved(self, env: environment.SceneEnvironment) -> bool:
        """See `Teleop`."""
        return env.achieved(env.scene_config.target)

    def is_clear(self, env: environment.SceneEnvironment, episode: Episode) -> bool:
        """See `Teleop`: the target moves most."""
        (slot,) = env.layout.acted_slots(episode.steps[fields.STATE][None])
        return int(slot) == episode.metadata[fields.HIDDEN_TARGET]

    def demonstration(self, episode: Episode) -> np.ndarray:
        """See `Teleop`: [T, P] physics states."""
        return episode.steps[fields.PHYSICS_STATE]

    def animation(self, env: environment.SceneEnvironment) -> PhysicsAnimation:
        """See `Teleop`."""
        return PhysicsAnimation(env)

    def rates(self, env: environment.SceneEnvironment, command: Command) -> np.ndarray:
        """See `Teleop`."""
        rates = np.array(command.axes or (0.0,) * (worlds.ACTION_SIZE - 1))
        if command.goal is not None:
            rates[:2] = self._towards(env.world, command.goal)
        return rates

    def _towards(self, world: worlds.World, goal: tuple[float, float]) -> np.ndarray:
        setpoint = world.setpoint
        way = WIDE.place(goal, setpoint[2]) - setpoint[:2]
        if np.linalg.norm(way) < _REACHED:
            return np.zeros(2)
        way = way / world.stride
        return way * min(1.0, _DRAG_SPEED / np.abs(way).max())

    def action(
        self, env: environment.SceneEnvironment, rates: np.ndarray, latch: float
    ) -> np.ndarray:
        """See `Teleop`."""
        del env
        return np.array([*rates, latch])

    def latch(self, action: np.ndarray) -> float:
        """See `Teleop`."""
        return float(action[-1])

    def moves(self, actions: np.ndarray) -> np.ndarray:
        """See `Teleop`."""
        fingers = np.concatenate([[self.first_latch], actions[:, -1]])
        return actions[:, :-1].any(axis=1) | (np.diff(fingers) != 0)

    def hold(self, action: np.ndarray) -> np.ndarray:
        """See `Teleop`."""
        return np.append(np.zeros_like(action[:-1]), action[-1])

    def pictures(self, size: int) -> "Pictures":
        """See `Teleop`."""
        return Pictures(size)


class Pictures:
    """Renderer of the wide and the close view of a scene.

    A line drops from the finger tips to the table, as depth is hard to see; an arrow
    points at the target.
    """

    def __init__(self, size: int):
        """See `GripperTeleop.pictures`."""
        self._renderer = renderer.Renderer(PIXELS, size)

    def make(
        self,
        env: environment.SceneEnvironment,
        state: mujoco.MjData,
        target: np.ndarray | None = None,
    ) -> bytes:
        """See `wtl.collection.teleop.interface.Pictures`."""
        tip = env.world.tip_of(state)
        close = Camera(
            azimuth=WIDE.azimuth,
            elevation=_CLOSE_ELEVATION,
            distance=_CLOSE_DISTANCE,
            lookat=(tip[0], tip[1], _CLOSE_SHARE * tip[2] + 0.01),
            fovy=WIDE.fovy,
        )
        marks = _marks(tip, target)
        views = [
            self._renderer.render(env.world.model, state, _look(camera), marks)
            for camera in (WIDE, close)
        ]
        buffer = io.BytesIO()
        Image.fromarray(np.concatenate(views, axis=1)).save(
            buffer, "JPEG", quality=_QUALITY
        )
        return buffer.getvalue()


def _marks(tip: np.ndarray, target: np.ndarray | None) -> list[renderer.Mark]:
    cylinder, half = mujoco.mjtGeom.mjGEOM_CYLINDER, max(tip[2], 0.002) / 2
    marks = [
        renderer.Mark(cylinder, (*tip[:2], half), (0.0012, half, 0), _PLUMB_RGBA),
        renderer.Mark(cylinder, (*tip[:2], 0.0015), (0.012, 0.0005, 0), _PLUMB_RGBA),
    ]
    if target is not None:
        marks.append(
            renderer.Mark(
                mujoco.mjtGeom.mjGEOM_ARROW,
                (target[0], target[1], target[2] + _ARROW_HEIGHT),
                (0.009, 0.009, _ARROW_LENGTH),
                _TARGET_RGBA,
                down=True,
            )
        )
    return marks


def _look(camera: Camera) -> Appearance:
    return Appearance(
        camera=camera, table=(0.82, 0.81, 0.79), lights=_LIGHTS, ambient=(0.36,) * 3
    )
