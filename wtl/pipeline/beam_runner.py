"""Plays shards with Apache Beam, and stages what comes back."""

import dataclasses
import logging
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from wtl.collection.episode_request import EpisodeShard
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format.decoding import decode_metadata
from wtl.datasets.storage import shard_file
from wtl.datasets.storage.staging import StagingWriter


@dataclasses.dataclass(frozen=True)
class BeamRunner:
    """Apache Beam, and how it is to be run.

    Attributes:
      workers: processes of Beam's local runner.
      options: Beam's own, as `--runner=FlinkRunner`.
    """

    workers: int
    options: tuple[str, ...] = ()

    def __post_init__(self):
        """Raises UserError if Beam is missing or the options make no sense to it."""
        try:
            self._pipeline.options(self.workers, self.options)
        except (ValueError, SystemExit) as error:
            raise UserError(f"--pipeline_options are wrong: {error}") from error

    @property
    def _pipeline(self):
        # Beam warns that clients of services are missing which nobody has asked for.
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
        """Stages what had arrived when an earlier process was ended."""
        for path in sorted(_parcels(writer).glob(shard_file.PATTERN)):
            try:
                _stage(shard_file.read(path), writer)
            except shard_file.ShardFileError as error:
                logging.warning("%s; its episodes are played again", error)
            path.unlink()

    def play(
        self, shards: Sequence[EpisodeShard], writer: StagingWriter
    ) -> Iterator[tuple[EpisodeShard, frozenset[str]]]:
        """Plays shards and stages their episodes.

        Args:
          shards: what to play.
          writer: where to; parcels come to a folder beside it.

        Yields:
          Each shard that is staged, with the ids of its episodes.

        Raises:
          WorkerError: if the pipeline failed; what had arrived is staged.
        """
        pipeline = self._pipeline
        for shard, payloads in pipeline.play(
            shards,
            writer.spec,
            _parcels(writer),
            pipeline.options(self.workers, self.options),
        ):
            yield shard, _stage(payloads, writer)


def _parcels(writer: StagingWriter) -> pathlib.Path:
    return writer.directory.with_name(f"{writer.directory.name}.parcels")


def _stage(payloads: Iterable[memoryview], writer: StagingWriter) -> frozenset[str]:
    """Stages episodes that are not staged yet; returns the ids of all."""
    by_id = {
        decode_metadata(payload, [fields.EPISODE_ID])[fields.EPISODE_ID]: payload
        for payload in payloads
    }
    # Played again, perhaps on a processor that rounds otherwise: the first stays.
    known = writer.episode_ids
    writer.append_encoded(p for name, p in by_id.items() if name not in known)
    return frozenset(by_id)
