"""Apache Beam pipeline that plays shards of episodes, on one machine or on many.

A worker plays a shard and leaves a shard file in a folder that all machines share; the
episodes don't go through Beam. The caller stages them as they arrive. Runners repeat
failed work, and may do it twice: the same shard gives the same file.
"""

import contextlib
import logging
import os
import pathlib
import pickle
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2 as provision_api
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.portability.fn_api_runner import fn_runner

from wtl.collection import worker
from wtl.collection.episode_request import EpisodeShard
from wtl.collection.worker import WorkerError
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import shard_file, staging

_POLL_S = 0.5


class Play(beam.DoFn):
    """Beam function that plays pickled shards and yields their numbers of episodes."""

    def __init__(self, spec: EpisodeSpec, folder: pathlib.Path):
        """Keep the spec of the episodes, and the folder for shard files."""
        self._spec = spec
        self._folder = folder
        self._plugins = worker.plugins()

    def setup(self):
        """Import what the process that plans the shards has imported."""
        worker.import_plugins(*self._plugins)

    def process(self, element: bytes) -> Iterator[int]:
        """Play a shard; its file is durable before the bundle counts as done.

        An error of the user's is left in a file too: Beam would log pages of it, and
        some runners would play the shard again.
        """
        shard = pickle.loads(element)
        try:
            payloads = [staging.encoded(e, self._spec) for e in shard.play()]
        except UserError as error:
            shard_file.write_fault(self._folder, shard.name, str(error))
            return
        shard_file.write(self._folder, shard.name, payloads)
        yield len(payloads)


def options(workers: int, given: Sequence[str]) -> PipelineOptions:
    """Return Beam's options; by default several processes of this machine.

    Args:
      workers: number of processes.
      given: Beam's own options, as `--runner=FlinkRunner`.

    Raises:
      ValueError: if Beam refuses them.
    """
    defaults = [
        "--direct_running_mode=multi_processing",
        f"--direct_num_workers={workers}",
        "--default_sdk_harness_log_level=ERROR",
    ]
    if not any("--dask_npartitions" in o or "--dask_partition" in o for o in given):
        defaults.append("--dask_partition_size=1")  # Dask's 128 are for small elements
    found = PipelineOptions([*defaults, *given])
    beam.Pipeline(options=found)  # complains of runners that it does not know
    return found


def _pipeline(found: PipelineOptions) -> beam.Pipeline:
    runner = found.view_as(StandardOptions).runner
    if runner in (None, "DirectRunner"):
        # DirectRunner would first try to download another runner. It alone passes the
        # options on to workers.
        encoded = portable_runner.JobServiceHandle.encode_pipeline_options(
            found.get_all_options()
        )
        runner = fn_runner.FnApiRunner(
            provision_info=fn_runner.ExtendedProvisionInfo(
                provision_api.ProvisionInfo(pipeline_options=encoded)
            )
        )
    return beam.Pipeline(runner=runner, options=found)


def play(
    shards: Sequence[EpisodeShard],
    spec: EpisodeSpec,
    folder: pathlib.Path,
    pipeline_options: PipelineOptions,
) -> Iterator[tuple[EpisodeShard, list[memoryview]]]:
    """Play shards, and yield the serialised episodes of each as they arrive.

    A shard file is removed when the next one is asked for: stage it by then.

    Args:
      shards: shards to be played.
      spec: of the episodes.
      folder: for shard files; on many machines, at the same path on each.
      pipeline_options: see `options`.

    Raises:
      WorkerError: if the pipeline failed; shards that arrived have been yielded.
      UserError: if a shard raised it.
    """
    missing = {shard.name: shard for shard in shards}
    if not missing:
        return
    folder = folder.absolute()
    shard_file.take_faults(folder)  # of an interrupted process
    running = _Running(shards, spec, folder, pipeline_options)
    running.start()
    ended = False
    try:
        while not ended:
            ended = running.ended
            for path in sorted(folder.glob(shard_file.PATTERN)):
                shard = missing.pop(path.stem, None)
                if shard is not None:  # else it was played twice
                    try:
                        payloads = shard_file.read(path)
                    except shard_file.ShardFileError as error:
                        logging.warning("%s; the shard is played again later", error)
                        missing[path.stem] = shard
                    else:
                        yield shard, payloads
                path.unlink()
            if faults := shard_file.take_faults(folder):
                raise UserError(faults[0])
            running.join(_POLL_S)
    finally:
        if running.is_alive():
            # This process could not end before them, and nobody else ends them.
            for worker in _local_workers(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGTERM)
    if missing:
        running.fail(len(missing))
    shutil.rmtree(folder, ignore_errors=True)


# A thread or a process has ended while its entries in /proc are read.
_ENDED = (FileNotFoundError, ProcessLookupError)


def _local_workers(parent: int) -> list[int]:
    """Return the processes of Beam's local runner below a parent process."""
    found = []
    for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(*_ENDED):
            for pid in map(int, children.read_text().split()):
                with contextlib.suppress(*_ENDED):
                    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                    found += [pid] if b"sdk_worker_main" in command else []
                found += _local_workers(pid)
    return found


class _Running(threading.Thread):
    """Pipeline that runs while its shard files are read."""

    def __init__(self, shards, spec, folder, pipeline_options):
        super().__init__(daemon=True)
        self._pipeline = _pipeline(pipeline_options)
        _ = (
            self._pipeline
            | beam.Create([pickle.dumps(shard) for shard in shards])
            | beam.ParDo(Play(spec, folder))
        )
        self._error: BaseException | None = None
        self._worker_died = False
        self._excepthook = threading.excepthook

    @property
    def ended(self) -> bool:
        """Whether no more shard files will come."""
        return self._worker_died or not self.is_alive()

    def run(self):
        threading.excepthook = self._notice
        result = None
        try:
            result = self._pipeline.run()
            result.wait_until_finish()
        except BaseException as error:  # `fail` raises it
            self._error = error
        finally:
            if hasattr(result, "client"):  # DaskRunner leaves it open
                result.client.close()
            threading.excepthook = self._excepthook

    def fail(self, missing: int):
        """Raise WorkerError for missing shards."""
        if self._worker_died:
            raise WorkerError(
                "a Beam worker died (out of memory?); rerun the command to resume"
            )
        if self._error is not None:
            lines = str(self._error).strip().splitlines() or [repr(self._error)]
            raise WorkerError(f"the Beam pipeline failed: {lines[-1]}") from self._error
        raise WorkerError(
            f"of {missing} shards no valid shard file arrived; rerun the command, with "
            "the folder of the run at the same path on all machines"
        )

    def _notice(self, failed):
        # Beam's local runner waits forever for a process that died; only the thread
        # that had started it fails.
        if "Worker subprocess exited" in str(failed.exc_value):
            self._worker_died = True
        elif failed.exc_type is not grpc.RpcError:  # its connection broke
            self._excepthook(failed)
