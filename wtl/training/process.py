"""Runs training jobs in processes of their own, so that two use two cores well."""

import concurrent.futures
import multiprocessing
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from wtl.collection.vector_environment import WorkerError, begin_worker


class Job(Protocol):
    """Something to be done in a process of its own.

    Attributes:
      name: what it is about, for messages.
    """

    name: str

    def run(self) -> str:
        """Does it; returns what identifies the result."""


def run_all(
    jobs: Sequence[Job],
    workers: int,
    on_done: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Runs jobs, up to `workers` at a time; returns their results in order.

    Args:
      jobs: what is to be done.
      workers: processes at a time.
      on_done: called with the result of each job when it ends.

    Raises:
      WorkerError: if one failed or its process died; the others are ended.
    """
    context = multiprocessing.get_context("spawn")
    processes = []
    starting, stopped = threading.Lock(), threading.Event()

    def run_one(job: Job) -> str:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(job, theirs), daemon=True)
        with starting:
            if stopped.is_set():
                raise WorkerError(f"{job.name} was not begun: another failed")
            process.start()
            processes.append(process)
        theirs.close()
        try:
            result, problem = ours.recv()
        except EOFError:
            process.join()
            raise WorkerError(
                f"the process of {job.name} died (out of memory?); run the stage "
                "again to go on from its last checkpoint"
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
    begin_worker()
    try:
        connection.send((job.run(), None))
    except Exception as error:  # the parent raises it
        connection.send((None, f"{type(error).__name__}: {error}"))
