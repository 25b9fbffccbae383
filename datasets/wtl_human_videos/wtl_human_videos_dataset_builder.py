"""TFDS builder of `wtl_human_videos`.

Besides staged or published episodes it takes a folder of real videos:

    tfds build datasets/wtl_human_videos --config '{"name": "mine", "source": "DIR"}'

`wtl import_videos` does the same, and is durable.
"""

import dataclasses
import functools
from collections.abc import Iterator

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.format import images
from wtl.datasets.format.episodes_builder import EpisodesBuilder, EpisodesConfig
from wtl.datasets.videos import video_folder
from wtl.datasets.videos.video_folder import VideoFolder


@dataclasses.dataclass
class VideosConfig(EpisodesConfig):
    """Source and form of the videos of a build.

    Attributes:
      pixels: height and width of the images made of real videos.
      encoding: their encoding, a key of `wtl.datasets.format.images.ENCODINGS`.
    """

    pixels: int = video_folder.PIXELS
    encoding: str = images.PNG


class Builder(EpisodesBuilder):
    """Human videos: episodes without actions, simulated or filmed."""

    BUILDER_CONFIGS = [
        VideosConfig(name="manual", description="Videos of downloads/manual.")
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put videos/*.mp4 and tasks.csv, staged episodes, or a published version, "
        "into this folder, or name their folder as `source` in the config."
    )

    @functools.cached_property
    def _folder(self) -> VideoFolder | None:
        source = self._source()
        return VideoFolder(source) if video_folder.is_videos(source) else None

    def _spec(self) -> EpisodeSpec:
        if video_folder.is_videos(self._source()):
            config = self.builder_config
            return video_folder.spec(config.pixels, config.encoding)
        return super()._spec()

    def _license(self) -> str:
        return self._folder.license if self._folder else super()._license()

    def _splits(self) -> set[str]:
        if self._folder is None:
            return super()._splits()
        if self._folder.faults:
            raise video_folder.VideosError(self._folder.faults)
        return {video.metadata[fields.SPLIT] for video in self._folder.videos}

    def _episodes(self, split: str) -> Iterator[Episode]:
        if self._folder is None:
            return super()._episodes(split)
        videos = self._folder.videos
        chosen = [video for video in videos if video.metadata[fields.SPLIT] == split]
        return self._folder.episodes(chosen, self.builder_config.pixels)
