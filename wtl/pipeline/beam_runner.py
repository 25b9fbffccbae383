"""Play of shards with Apache Beam, and staging of their episodes."""

import dataclasses
import logging
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence

from wtl.collection.episode_request import EpisodeShard
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format.decoding import episode_id
from wtl.datasets.storage import shard_file
from wtl.datasets.storage.staging import StagingWriter

_DASK_WARNING = (
    "wtl: Dask's scheduler and workers run code of anyone who reaches their ports: use "
    "a private network or a firewall, or Dask's TLS (docs/trust.md)"
)


@dataclasses.dataclass(frozen=True)
class BeamRunner:
    """Apache Beam with its options.

    Attributes:
      workers: processes of Beam's local runner.
      options: options of Beam, such as `--runner=FlinkRunner`.
    """

    workers: int
    options: tuple[str, ...] = ()

    def __post_init__(self):
        """Raise UserError if Beam is missing or rejects the options."""
        try:
            self._pipeline.options(self.workers, self.options)
        except (ValueError, SystemExit) as error:
            raise UserError(f"--pipeline_options are wrong: {error}") from error
        if any("dask" in option.lower() for option in self.options):
            print(_DASK_WARNING, file=sys.stderr)

    @property
    def _pipeline(self):
        # Beam warns about missing clients of services that are not used.
        logging.disable(logging.WARNING)
        try:
            from wtl.collection import beam_pipeline
        except ImportError as error:
            raise UserError(
                f"--runner=beam needs Apache Beam ({error}): pip install -e '.[beam]'"
            ) from error
        finally:
            logging.disable(logging.NOTSET)
        return beam_pipeline

    def adopt(self, writer: StagingWriter):
        """Stage the shard files that an interrupted process has left."""
        for path in sorted(_shard_files(writer).glob(shard_file.PATTERN)):
            try:
                _stage(shard_file.read(path), writer)
            except shard_file.ShardFileError as error:
                logging.warning("%s; its episodes are played again", error)
            path.unlink()

    def play(
        self, shards: Sequence[EpisodeShard], writer: StagingWriter
    ) -> Iterator[tuple[EpisodeShard, frozenset[str]]]:
        """Play shards and stage their episodes.

        Args:
          shards: the shards.
          writer: stages the episodes; shard files are written to a folder beside it.

        Yields:
          Each staged shard, with the ids of its episodes.

        Raises:
          WorkerError: if the pipeline failed; received episodes are staged.
        """
        pipeline = self._pipeline
        for shard, payloads in pipeline.play(
            shards,
            writer.spec,
            _shard_files(writer),
            pipeline.options(self.workers, self.options),
        ):
            yield shard, _stage(payloads, writer)


def _shard_files(writer: StagingWriter) -> pathlib.Path:
    return writer.directory.with_name(f"{writer.directory.name}.shards")


def _stage(payloads: Iterable[memoryview], writer: StagingWriter) -> frozenset[str]:
    """Stage episodes that are not staged yet; return the ids of all."""
    by_id = {episode_id(payload): payload for payload in payloads}
    # A replay on another processor may round differently: the first is kept.
    known = writer.episode_ids
    writer.append_encoded(p for name, p in by_id.items() if name not in known)
    return frozenset(by_id)
