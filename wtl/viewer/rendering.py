"""The process that renders stored physics states: it has OpenGL, and no TensorFlow."""

import dataclasses
import os
import threading
from multiprocessing.connection import Connection

import mujoco
import numpy as np

from wtl.collection import vector_environment
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import appearance, gripper, model, renderer
from wtl.datasets.contract.errors import UserError
from wtl.viewer import restoration, sheet

PIXELS = 256  # height and width of the frames
ROBOT, WRIST, ORBIT = "robot", "wrist", "orbit"
# Nearer than the robot's camera, and as far as the whole table is small.
DISTANCES = (0.25, 2.5)
_LOOKAT = appearance.ROBOT_CAMERA.lookat
_FOVY = 42.0


class RenderingError(UserError):
    """There are no pictures."""


@dataclasses.dataclass(frozen=True)
class View:
    """From where to look.

    Attributes:
      camera: `ROBOT` for what the robot's camera saw, `WRIST` for the gripper's own,
        `ORBIT` for one anywhere around the table.
      azimuth: degrees, of `ORBIT`; 90 looks along positive y.
      elevation: degrees, likewise; negative looks down.
      distance: metres from the middle of the table, likewise.
    """

    camera: str = ROBOT
    azimuth: float = 90.0
    elevation: float = -56.0
    distance: float = 1.1

    def __post_init__(self):
        near, far = DISTANCES
        if self.camera not in (ROBOT, WRIST, ORBIT):
            raise UserError(f"there is no camera {self.camera!r}")
        if not (
            abs(self.azimuth) <= 360
            and -90 <= self.elevation <= 10
            and near <= self.distance <= far
        ):
            raise UserError(
                "a camera has an azimuth within 360 degrees, an elevation from -90 to "
                f"10 degrees and a distance from {near} to {far} m"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """What is to be rendered.

    Attributes:
      kind: of the world.
      state: [S] the first state, which tells the objects.
      physics_state: [T, P] physics states, the first one first.
      frames: which of them, `sheet.FRAMES` at most.
      scene_seed: of the scene, which tells the light.
      view: from where.
    """

    kind: restoration.Kind
    state: np.ndarray
    physics_state: np.ndarray
    frames: range
    scene_seed: int
    view: View


class Studio:
    """Renders in a process of its own, one job at a time.

    Attributes:
      missing: why there are no pictures; empty if there are, None while that is not
        known.
    """

    def __init__(self):
        """Starts the process, which takes some seconds."""
        self._lock = threading.Lock()
        self._start()

    def _start(self):
        self.missing: str | None = None
        self._connection, theirs = vector_environment.CONTEXT.Pipe()
        self._process = vector_environment.CONTEXT.Process(
            target=_serve, args=(theirs,), daemon=True
        )
        self._process.start()
        theirs.close()

    def render(self, job: Job) -> bytes:
        """Returns a sheet of frames, as JPEG, once the process can make one.

        Raises:
          RenderingError: if there is no renderer, or the job can't be done.
        """
        with self._lock:
            try:
                if self.missing is None:
                    self.missing = self._connection.recv()
                if self.missing:
                    raise RenderingError(self.missing)
                self._connection.send(job)
                image, error = self._connection.recv()
            except (EOFError, OSError):
                self._connection.close()
                self._start()
                raise RenderingError(
                    "the renderer died (out of memory?); it is started again"
                ) from None
        if image is None:
            raise RenderingError(error)
        return image

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join(timeout=2)
        self._process.kill()


def _serve(connection: Connection):
    """Says what is missing to render, then does jobs until the other end hangs up."""
    vector_environment.begin_worker()
    try:
        renderer.find_renderer()
        missing = ""
    except renderer.RendererNotFoundError as error:
        missing = str(error)
    try:
        connection.send(missing)
        while not missing:
            job = connection.recv()
            try:
                answer = sheet.encode(_frames(job), "jpeg"), None
            except Exception as error:  # the other end raises it
                answer = None, " ".join(str(error).split())
            connection.send(answer)
    except (EOFError, OSError):
        os._exit(0)  # PyOpenGL does not survive the end of the interpreter


def _frames(job: Job) -> np.ndarray:
    """uint8[N, H, W, 3]."""
    kind, view = job.kind, job.view
    compiled = restoration.restore(kind, job.state, job.physics_state[0])
    data = mujoco.MjData(compiled)
    look = appearance.DRAWS[kind.embodiment](job.scene_seed)
    camera = None
    if view.camera == ORBIT:
        orbit = appearance.Camera(
            view.azimuth, view.elevation, view.distance, _LOOKAT, _FOVY
        )
        look = dataclasses.replace(look, camera=orbit)
    elif view.camera == WRIST:
        if kind.embodiment is not Embodiment.ROBOT:
            raise RenderingError("a hand has no camera")
        camera = f"{model.BODY_NAMES[kind.embodiment]}/{gripper.WRIST_CAMERA}"
    shared = renderer.shared(PIXELS, kind.size)
    frames = []
    for frame in job.frames:
        restoration.put(compiled, data, job.physics_state[frame])
        frames.append(shared.render(compiled, data, look, camera=camera))
    return np.stack(frames)
