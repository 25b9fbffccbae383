"""Worker processes that own environments, so that physics runs on every core."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wtl.collection import demonstration, recorder
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import environment
from wtl.datasets.contract import episode as episodes

# Workers import neither TensorFlow nor the parent's threads.
CONTEXT = multiprocessing.get_context("spawn")
_BATCH = 16  # demonstrations sent to a worker at once


# Arrays by name, as environments observe them, stacked over environments.
Observations = dict[str, np.ndarray]


class WorkerError(RuntimeError):
    """A worker process died or raised."""


def begin_worker():
    """Makes this process one that ends with its parent and with nothing else."""
    # Ctrl-C reaches the whole process group; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent killed outright can't end its workers, which would wait forever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _demonstrate_batch(requests):
    return [demonstration.demonstrate(request) for request in requests]


def demonstrate_all(
    requests: Sequence[demonstration.DemonstrationRequest], workers: int
) -> Iterator[list[tuple[episodes.Episode | None, int]]]:
    """Plays demonstrations in parallel, yielding small batches in request order.

    Raises:
      WorkerError: if a worker process died.
    """
    batches = [requests[i : i + _BATCH] for i in range(0, len(requests), _BATCH)]
    with concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=CONTEXT, initializer=begin_worker
    ) as pool:
        try:
            # Few batches in flight: episodes wait in memory no longer than needed.
            pending = []
            for batch in batches:
                pending.append(pool.submit(_demonstrate_batch, batch))
                if len(pending) > 2 * workers:
                    yield pending.pop(0).result()
            while pending:
                yield pending.pop(0).result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise WorkerError(
                "a collection worker died (out of memory?); run the stage again "
                "to go on where it stopped, with fewer workers if it recurs"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def environments_of_this_process(
    pixels: int = 0, wrist: bool = False
) -> Iterator["Environments | EnvironmentPool"]:
    """Environments for a process that has TensorFlow loaded.

    Mesa and TensorFlow in one process crash: with images they get one of their own.

    Args:
      pixels: height and width of the images to observe; 0 for none.
      wrist: whether the grippers' own cameras observe too.
    """
    if not pixels:
        yield Environments()
        return
    with EnvironmentPool(1, pixels, wrist) as pool:
        yield pool


class Environments:
    """The environments of one process, stepped in lockstep; see `EnvironmentPool`."""

    def __init__(self, pixels: int = 0, wrist: bool = False):
        """Starts with none.

        Args:
          pixels: height and width of the images to observe; 0 for none.
          wrist: whether the grippers' own cameras observe too.
        """
        self._pixels = pixels
        self._wrist = wrist
        self._envs: list[environment.SceneEnvironment] = []

    @property
    def horizon(self) -> int:
        """Control steps of the episodes that were started last."""
        return self._envs[0].horizon

    def reset(self, setups: Sequence[environment.Setup]) -> Observations:
        """Starts one episode per setup; returns the observations, [N, ...] each."""
        del self._envs[len(setups) :]
        for env, setup in zip(self._envs, setups, strict=False):
            env.prepare(setup)
        self._envs += [
            registry.get(setup.task.domain).open(setup, self._pixels, self._wrist)
            for setup in setups[len(self._envs) :]
        ]
        timesteps = [env.reset() for env in self._envs]
        self._recorders = [recorder.Recorder(env) for env in self._envs]
        for record, timestep in zip(self._recorders, timesteps, strict=True):
            record.start(timestep)
        return self._stacked(timesteps)

    def step(self, actions: np.ndarray) -> Observations:
        """Applies float32[N, A] actions; returns the observations."""
        timesteps = []
        for env, record, action in zip(
            self._envs, self._recorders, actions, strict=True
        ):
            timesteps.append(env.step(action))
            record.add(action, timesteps[-1])
        return self._stacked(timesteps)

    def finish(self, metadata: Sequence[dict[str, Any]]) -> list[episodes.Episode]:
        """Returns the episodes; `metadata` is what the environments do not know."""
        return [
            record.episode(**known)
            for record, known in zip(self._recorders, metadata, strict=True)
        ]

    def _stacked(self, timesteps) -> Observations:
        observed = [timestep.observation for timestep in timesteps]
        return {name: np.stack([o[name] for o in observed]) for name in observed[0]}


def _serve(connection, pixels: int, wrist: bool):
    begin_worker()
    environments = Environments(pixels, wrist)
    while True:
        try:
            method, argument = connection.recv()
        except EOFError:
            return
        try:
            connection.send((getattr(environments, method)(argument), None))
        except Exception as error:  # the parent raises it
            connection.send((None, f"{type(error).__name__}: {error}"))


class EnvironmentPool:
    """Many environments stepped in lockstep, spread over worker processes.

    Attributes:
      horizon: control steps of the episodes that were started last.
    """

    def __init__(self, workers: int = 0, pixels: int = 0, wrist: bool = False):
        """Starts worker processes.

        Args:
          workers: how many; 0 for one per core.
          pixels: height and width of the images to observe; 0 for none.
          wrist: whether the grippers' own cameras observe too.
        """
        self._connections, self._processes = [], []
        for _ in range(workers or os.cpu_count()):
            ours, theirs = CONTEXT.Pipe()
            process = CONTEXT.Process(
                target=_serve, args=(theirs, pixels, wrist), daemon=True
            )
            process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the workers."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def reset(self, setups: Sequence[environment.Setup]) -> Observations:
        """Starts one episode per setup; returns the observations, [N, ...] each."""
        count = len(self._connections)
        bounds = [len(setups) * i // count for i in range(count + 1)]
        self._parts = [
            slice(low, high) for low, high in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        (self.horizon,) = {
            registry.get(setup.task.domain).environment.horizon for setup in setups
        }
        return self._concatenate(self._call("reset", setups))

    def step(self, actions: np.ndarray) -> Observations:
        """Applies float32[N, A] actions; returns the observations."""
        return self._concatenate(self._call("step", actions))

    def finish(self, metadata: Sequence[dict[str, Any]]) -> list[episodes.Episode]:
        """Returns the episodes.

        Args:
          metadata: for each what the environment does not know, see `Recorder`.
        """
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
            raise WorkerError(
                "a rollout worker died (out of memory?); run the stage again to go "
                "on where it stopped"
            ) from error
        for _, problem in replies:
            if problem:
                raise WorkerError(f"a rollout worker failed: {problem}")
        return [reply for reply, _ in replies]
