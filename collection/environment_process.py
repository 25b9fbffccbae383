"""Environment in a worker process, as the dm_env environment that it is."""

import os
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from wtl.collection import worker
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Scene, Task
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.errors import UserError


class EnvironmentProcess(dm_env.Environment):
    """Environment of a world that renders in a process without TensorFlow.

    Mesa and TensorFlow in one process crash.

    Attributes:
      horizon: control steps of an episode.
      control_hz: control steps per second.
      stored: names of the observations that are stored.
    """

    def __init__(self, task: Task, scene_seed: int, camera: CameraConfig):
        """Start the process; the arguments are those of `World.make_env`.

        Raises:
          UserError: if the environment cannot be made.
        """
        self._connection, theirs = worker.CONTEXT.Pipe()
        with worker.without_script():
            self._process = worker.start(_serve, theirs, task, scene_seed, camera)
        theirs.close()
        self.horizon, self.control_hz, self.stored = (
            self._call(name) for name in ("horizon", "control_hz", "stored")
        )

    @property
    def scene_config(self) -> Scene:
        """Scene of the present episode."""
        return self._call("scene_config")

    def prepare(self, scene_config: Scene):
        """Choose the scene of the next `reset`."""
        self._call("prepare", scene_config)

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        return self._call("reset")

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply a float[A] action."""
        return self._call("step", action)

    def observation_spec(self) -> dict[str, specs.Array]:
        """Specs of the observations, images among them."""
        return self._call("observation_spec")

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the action."""
        return self._call("action_spec")

    def recorded(self) -> dict[str, np.ndarray]:
        """Return what is stored of the present step besides the observation."""
        return self._call("recorded")

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the present episode, known at its end."""
        return self._call("metadata")

    def close(self):
        """End the process, which otherwise ends with this one."""
        self._connection.close()
        self._process.join()

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            self._connection.send((name, arguments))
            result, error = self._connection.recv()
        except (EOFError, OSError) as ended:
            raise worker.WorkerError(
                "the process of the environment has ended; make the environment again"
            ) from ended
        if error:
            raise error
        return result


def _serve(connection, task: Task, scene_seed: int, camera: CameraConfig):
    """Answer calls of methods and attributes until the other end closes."""
    env = None
    while True:
        try:
            name, arguments = connection.recv()
        except EOFError:
            os._exit(0)  # PyOpenGL prints errors while an interpreter ends
        result = error = None
        try:
            if env is None:
                env = registry.get(task.domain).make_env(task, scene_seed, camera)
            part = getattr(env, name)
            result = part(*arguments) if callable(part) else part
        except UserError as fault:
            error = fault
        except Exception as fault:
            error = worker.WorkerError(f"{type(fault).__name__}: {fault}")
        connection.send((result, error))
