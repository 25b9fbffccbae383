"""Vector environments: many stepped side by side, in one process or in several."""

import concurrent.futures
import contextlib
import operator
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wtl.collection import recorder, worker
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Environment, Scene
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import Episode

# Arrays by name, as environments observe them, stacked over environments.
Observations = dict[str, np.ndarray]


def play_shards(shards: Sequence[Any], workers: int) -> Iterator[list[Episode]]:
    """Play shards in worker processes, and yield their episodes in order.

    Args:
      shards: see `episode_request.EpisodeShard`.
      workers: number of processes.

    Raises:
      WorkerError: if a worker process died.
    """
    with concurrent.futures.ProcessPoolExecutor(
        workers, worker.CONTEXT, worker.begin, worker.plugins()
    ) as pool:
        try:
            # Few shards in flight: episodes wait in memory no longer than needed.
            pending = []
            for shard in shards:
                pending.append(pool.submit(operator.methodcaller("play"), shard))
                if len(pending) > 2 * workers:
                    yield _result(pool, pending.pop(0))
            while pending:
                yield _result(pool, pending.pop(0))
        except concurrent.futures.process.BrokenProcessPool as error:
            raise worker.WorkerError(
                "a collection worker died (out of memory?); rerun the command to "
                "resume, with fewer workers if it recurs"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _result(
    pool: concurrent.futures.ProcessPoolExecutor, future: concurrent.futures.Future
) -> list[Episode]:
    """Wait for a result, but not for that of a worker that died while it sent one.

    The pool would read the rest of it forever: its own end of the pipe stays open.
    """
    while not concurrent.futures.wait([future], timeout=1.0).done:
        processes = [*(pool._processes or {}).values()]
        if any(process.exitcode is not None for process in processes):
            for process in processes:
                process.kill()
            pool._result_queue._writer.close()
    return future.result()


class VectorEnvironment:
    """Environments of this process, stepped side by side.

    Attributes:
      environments: one for each episode that was started last.
    """

    def __init__(self, camera: CameraConfig = NO_CAMERA):
        """Start with none; `reset` opens them."""
        self._camera = camera
        self.environments: list[Environment] = []

    @property
    def horizon(self) -> int:
        """Control steps of the episodes that were started last."""
        return self.environments[0].horizon

    def reset(self, scenes: Sequence[Scene]) -> Observations:
        """Start one episode per scene; return the observations, [N, ...] each."""
        del self.environments[len(scenes) :]
        for env, scene_config in zip(self.environments, scenes, strict=False):
            env.prepare(scene_config)
        self.environments += [
            registry.get(scene_config.task.domain).open(scene_config, self._camera)
            for scene_config in scenes[len(self.environments) :]
        ]
        self._timesteps = [env.reset() for env in self.environments]
        self._recorders = [recorder.Recorder(env) for env in self.environments]
        for record, timestep in zip(self._recorders, self._timesteps, strict=True):
            record.start(timestep)
        return self._stacked()

    def step(
        self, actions: np.ndarray, recorded: np.ndarray | None = None
    ) -> Observations:
        """Apply float[N, A] actions; those of episodes that are over have no effect.

        Args:
          actions: executed actions.
          recorded: actions to record in their place; the same by default.

        Returns:
          The observations, [N, ...] each.
        """
        recorded = actions if recorded is None else recorded
        self._rewards = np.zeros(len(self.environments), np.float32)
        for i, (env, record, action, label) in enumerate(
            zip(self.environments, self._recorders, actions, recorded, strict=True)
        ):
            if not self._timesteps[i].last():
                self._timesteps[i] = env.step(action)
                self._rewards[i] = self._timesteps[i].reward
                record.add(label, self._timesteps[i])
        return self._stacked()

    def rewards(self, scenes: Sequence[Scene]) -> np.ndarray:
        """Return the rewards [N] of the last step in these scenes; 0 after an end."""
        del scenes
        return self._rewards

    def are_over(self, scenes: Sequence[Scene]) -> bool:
        """Whether the episodes that were started last, in these scenes, have ended."""
        del scenes
        return all(timestep.last() for timestep in self._timesteps)

    def finish(self, metadata: Sequence[dict[str, Any]]) -> list[Episode]:
        """Return the episodes, given metadata that the environments do not have."""
        return [
            record.episode(**known)
            for record, known in zip(self._recorders, metadata, strict=True)
        ]

    def _stacked(self) -> Observations:
        observed = [timestep.observation for timestep in self._timesteps]
        return {name: np.stack([o[name] for o in observed]) for name in observed[0]}


def _serve(connection, camera: CameraConfig):
    environments = VectorEnvironment(camera)
    while True:
        try:
            method, argument = connection.recv()
        except EOFError:
            return
        try:
            connection.send((getattr(environments, method)(argument), None))
        except Exception as error:  # the parent raises it
            connection.send((None, f"{type(error).__name__}: {error}"))


class ProcessVectorEnvironment(contextlib.AbstractContextManager):
    """Environments spread over worker processes; used as a `VectorEnvironment`.

    Attributes:
      horizon: control steps of the episodes that were started last.
    """

    def __init__(self, workers: int = 0, camera: CameraConfig = NO_CAMERA):
        """Start worker processes; 0 is one per core."""
        self._connections, self._processes = [], []
        for _ in range(workers or os.cpu_count()):
            ours, theirs = worker.CONTEXT.Pipe()
            self._processes.append(worker.start(_serve, theirs, camera))
            theirs.close()
            self._connections.append(ours)

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the workers."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def reset(self, scenes: Sequence[Scene]) -> Observations:
        """Start one episode per scene; return the observations, [N, ...] each."""
        count = len(self._connections)
        bounds = [len(scenes) * i // count for i in range(count + 1)]
        self._parts = [
            slice(low, high) for low, high in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        (self.horizon,) = {
            registry.get(scene_config.task.domain).spec.horizon
            for scene_config in scenes
        }
        return self._concatenate(self._call("reset", scenes))

    def step(self, actions: np.ndarray, recorded: None = None) -> Observations:
        """Apply float32[N, A] actions, which are recorded; return the observations."""
        del recorded
        return self._concatenate(self._call("step", actions))

    def rewards(self, scenes: Sequence[Scene]) -> np.ndarray:
        """Return the rewards [N] of the last step in these scenes; 0 after an end."""
        return np.concatenate(self._call("rewards", scenes))

    def are_over(self, scenes: Sequence[Scene]) -> bool:
        """Whether the episodes that were started last, in these scenes, have ended."""
        return all(self._call("are_over", scenes))

    def finish(self, metadata: Sequence[dict[str, Any]]) -> list[Episode]:
        """Return the episodes, given metadata that the environments do not have."""
        return [e for part in self._call("finish", metadata) for e in part]

    def _concatenate(self, parts: list[Observations]) -> Observations:
        return {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }

    def _call(self, method: str, argument) -> list:
        busy = [
            (connection, part)
            for connection, part in zip(self._connections, self._parts, strict=True)
            if part.stop > part.start
        ]
        try:
            for connection, part in busy:
                connection.send((method, argument[part]))
            replies = [connection.recv() for connection, _ in busy]
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            raise worker.WorkerError(
                "a rollout worker died (out of memory?); rerun the command to resume"
            ) from error
        for _, problem in replies:
            if problem:
                raise worker.WorkerError(f"a rollout worker failed: {problem}")
        return [reply for reply, _ in replies]
