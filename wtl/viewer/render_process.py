"""Process that renders stored physics states: it has OpenGL, and no TensorFlow."""

import os
import threading
from multiprocessing.connection import Connection

from wtl.collection import opengl, worker
from wtl.collection.drawing import sheet
from wtl.collection.worlds import registry
from wtl.collection.worlds.scene_renderer import Viewpoint
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import UserError

PIXELS = 256  # height and width of the frames


class RenderingError(UserError):
    """Images can't be rendered."""


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
        self._connection, theirs = worker.CONTEXT.Pipe()
        self._process = worker.start(_serve, theirs)
        theirs.close()

    def render(
        self,
        world: str,
        spec: EpisodeSpec,
        episode: Episode,
        frames: range,
        viewpoint: Viewpoint,
        pixels: int = PIXELS,
    ) -> bytes:
        """Return a sheet of frames, as JPEG, once the process can make one.

        Args:
          world: name of the world, which has a renderer.
          spec: of the episode.
          episode: the episode, with physics states.
          frames: indices of its physics states, `sheet.FRAMES` at most.
          viewpoint: the camera.
          pixels: height and width of the frames.

        Raises:
          RenderingError: if there is no renderer, or the job fails.
        """
        job = {
            "spec": spec,
            "state": episode.steps[fields.STATE][0],
            "physics_states": episode.steps[fields.PHYSICS_STATE],
            "frames": frames,
            "scene_seed": episode.metadata[fields.SCENE_SEED],
            "viewpoint": viewpoint,
            "pixels": pixels,
        }
        with self._lock:
            try:
                if self.missing is None:
                    self.missing = self._connection.recv()
                if self.missing:
                    raise RenderingError(self.missing)
                self._connection.send((world, job))
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
    try:
        opengl.find_renderer()
        missing = ""
    except opengl.RendererNotFoundError as error:
        missing = str(error)
    try:
        connection.send(missing)
        while not missing:
            world, job = connection.recv()
            try:
                images = registry.get(world).renderer.render(**job)
                answer = sheet.encode(images, "jpeg"), None
            except Exception as error:  # the other end raises it
                answer = None, " ".join(str(error).split())
            connection.send(answer)
    except (EOFError, OSError):
        os._exit(0)  # PyOpenGL does not survive the end of the interpreter
