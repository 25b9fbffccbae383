"""Base class of the TFDS builders, of which each dataset folder has one.

The pipeline itself publishes with `publish`, which is faster and durable. These
builders make the datasets known to TFDS's own tools:

    tfds build datasets/wtl_demos --config '{"name": "mine", "source": "DIR"}'

The command needs the package `mlcroissant`, which TFDS does not require itself.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Iterator

import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.storage import card, location, staging


@dataclasses.dataclass
class EpisodesConfig(tfds.core.BuilderConfig):
    """Source of the episodes of a build.

    Attributes:
      source: a folder of staged episodes, or a published version; if empty, the
        dataset's folder in TFDS's `downloads/manual`.
    """

    source: str = ""


class EpisodesBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Builder of a TFDS dataset from staged or published episodes."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    BUILDER_CONFIGS = [
        EpisodesConfig(name="manual", description="Episodes of downloads/manual.")
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put staged episodes, or a published version, into this folder, or name "
        "their folder as `source` in the config."
    )

    def __init_subclass__(cls, **arguments):
        """Point TFDS at the folder of the builder, wherever that is."""
        super().__init_subclass__(**arguments)
        cls.pkg_dir_path = pathlib.Path(sys.modules[cls.__module__].__file__).parent

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=schema.features(self._spec()), license=self._license()
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        """Return one generator per value of the metadata field `split`."""
        del dl_manager  # Episodes are made here, not downloaded.
        found = self._splits()
        return {
            split: self._generate_examples(split)
            for split in fields.SPLITS
            if split in found
        }

    def _generate_examples(self, split: str):
        """Yield (episode id, example)."""
        for episode in self._episodes(split):
            yield episode.id, schema.example(episode)

    def _spec(self) -> EpisodeSpec:
        source = self._source()
        if staging.is_staging(source):
            return staging.read_spec(source)
        return schema.stored_spec(location.resolve(source))

    def _license(self) -> str:
        return card.LICENSE

    def _splits(self) -> set[str]:
        return {episode.metadata[fields.SPLIT] for episode in self._all_episodes()}

    def _episodes(self, split: str) -> Iterator[Episode]:
        for episode in self._all_episodes():
            if episode.metadata[fields.SPLIT] == split:
                yield episode

    def _all_episodes(self) -> Iterator[Episode]:
        source = self._source()
        if staging.is_staging(source):
            return staging.iterate_staged(source)
        return reader.iterate_episodes(source)

    def _source(self) -> pathlib.Path:
        if self.builder_config.source:
            return pathlib.Path(self.builder_config.source).expanduser()
        return pathlib.Path(self.data_dir_root) / "downloads" / "manual" / self.name
