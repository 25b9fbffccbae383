"""Training jobs in processes of their own, so that several use several cores."""

import concurrent.futures
import importlib
import threading
import types
from collections.abc import Callable, Sequence
from typing import Protocol

from wtl import notices
from wtl.collection import worker
from wtl.collection.worker import WorkerError


class Job(Protocol):
    """Work of one process.

    Attributes:
      name: name of the job in messages.
    """

    name: str

    def run(self) -> str:
        """Do the job; return an identifier of the result."""


def load(module: str, threads: int) -> types.ModuleType:
    """Import a module that uses TensorFlow, without notices, in the process of a job.

    Args:
      module: name of the module.
      threads: threads of each TensorFlow operation.
    """
    notices.quiet()
    with notices.Dropped():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        return importlib.import_module(module)


def run_all(
    jobs: Sequence[Job],
    workers: int,
    on_done: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Run jobs, up to `workers` at a time; return their results in order.

    Args:
      jobs: the jobs.
      workers: processes at a time.
      on_done: called with the result of each job when it ends.

    Raises:
      WorkerError: if a job failed or its process died; the others are stopped.
    """
    processes = []
    starting, stopped = threading.Lock(), threading.Event()

    def run_one(job: Job) -> str:
        ours, theirs = worker.CONTEXT.Pipe(duplex=False)
        with starting:
            if stopped.is_set():
                raise WorkerError(f"{job.name} was not begun: another failed")
            process = worker.start(_serve, job, theirs, renders=False)
            processes.append(process)
        theirs.close()
        try:
            result, problem = ours.recv()
        except EOFError:
            process.join()
            raise WorkerError(
                f"the process of {job.name} died (out of memory?); rerun the stage to "
                "resume from its last checkpoint"
            ) from None
        process.join()
        if problem:
            raise WorkerError(f"{job.name} failed: {problem}")
        on_done(result)
        return result

    with concurrent.futures.ThreadPoolExecutor(workers) as threads:
        futures = [threads.submit(run_one, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            with starting:
                stopped.set()
                for process in processes:
                    process.terminate()
            raise


def _serve(job: Job, connection) -> None:
    try:
        connection.send((job.run(), None))
    except Exception as error:  # the parent raises it
        connection.send((None, f"{type(error).__name__}: {error}"))
