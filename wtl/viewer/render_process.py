"""Process that renders stored physics states: it has OpenGL, and no TensorFlow."""

import dataclasses
import os
import threading
from multiprocessing.connection import Connection

import numpy as np

from wtl.collection import opengl, vector_environment
from wtl.collection.worlds import registry
from wtl.collection.worlds.scene_renderer import Viewpoint
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.viewer import sheet

PIXELS = 256  # height and width of the frames


class RenderingError(UserError):
    """Images can't be rendered."""


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """Frames to render; see `scene_renderer.SceneRenderer.render`.

    Attributes:
      world: name of the world, which has a renderer.
      spec: of the episode.
      state: [S] the first state.
      physics_states: [T, P] physics states from the first one on.
      frames: indices of the physics states, `sheet.FRAMES` at most.
      scene_seed: of the episode.
      viewpoint: the camera.
    """

    world: str
    spec: EpisodeSpec
    state: np.ndarray
    physics_states: np.ndarray
    frames: range
    scene_seed: int
    viewpoint: Viewpoint


class RenderProcess:
    """Renders in a process of its own, one job at a time.

    Attributes:
      missing: reason why nothing can be rendered; empty if there is none, None while
        that is not known.
    """

    def __init__(self):
        """Start the process, which takes some seconds."""
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
        """Return a sheet of frames, as JPEG, once the process can make one.

        Raises:
          RenderingError: if there is no renderer, or the job fails.
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
        """End the process."""
        self._connection.close()
        self._process.join(timeout=2)
        self._process.kill()


def _serve(connection: Connection):
    """Send what is missing to render, then do jobs until the other end hangs up."""
    vector_environment.begin_worker()
    try:
        opengl.find_renderer()
        missing = ""
    except opengl.RendererNotFoundError as error:
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
    given = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}
    renderer = registry.get(given.pop("world")).renderer
    return renderer.render(**given, pixels=PIXELS)
