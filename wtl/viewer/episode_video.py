"""Episodes side by side as one video file, or as one animated drawing."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Sequence

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wtl.collection.drawing import sheet, svg
from wtl.collection.drawing.annotation import HEIGHT, WIDTH
from wtl.collection.worlds.scene_renderer import ORBIT, Viewpoint
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.layout import Layout
from wtl.viewer import episode_views
from wtl.viewer.render_process import PIXELS, RenderingError, RenderProcess

_CAPTION = 28  # pixels above the frames
_INK, _PAPER = (29, 35, 41), (246, 247, 248)


@dataclasses.dataclass(frozen=True, eq=False)
class CaptionedEpisode:
    """Episode of a video.

    Attributes:
      caption: text above it.
      episode: the episode, with physics states.
      spec: of its dataset.
    """

    caption: str
    episode: Episode
    spec: EpisodeSpec


def write(path: pathlib.Path, shown: Sequence[CaptionedEpisode], world: World):
    """Show episodes of a world side by side, in step, in an MP4 file (H.264).

    They are rendered; in a world without renderer their own images are shown. There is
    one frame for each control step, in real time; the last one stays.

    Raises:
      RenderingError: if they can't be rendered.
      OSError: if the file can't be written.
    """
    if world.renderer:
        with contextlib.closing(RenderProcess()) as renderer:
            columns = [_rendered(renderer, each, world.name) for each in shown]
    elif world.images:
        columns = [_stored(each) for each in shown]
    else:
        raise RenderingError(f"world {world.name!r} has no renderer")
    columns = [_captioned(*each) for each in zip(columns, shown, strict=True)]
    fps = round(world.spec.control_hz)
    length = max(map(len, columns)) + round(fps * episode_views.PAUSE_SECONDS)
    partial = path.with_name(path.name + ".partial")
    with av.open(os.fspath(partial), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt = "yuv420p"
        stream.height = columns[0].shape[1]
        stream.width = sum(column.shape[2] for column in columns)
        for t in range(length):
            image = np.concatenate([c[min(t, len(c) - 1)] for c in columns], axis=1)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    partial.replace(path)


def _rendered(
    renderer: RenderProcess, shown: CaptionedEpisode, world: str
) -> np.ndarray:
    """Return rendered frames, uint8[T, H, W, 3]."""
    count = len(shown.episode)
    parts = []
    for start in range(0, count, sheet.FRAMES):
        chosen = range(start, min(start + sheet.FRAMES, count))
        job = world, shown.spec, shown.episode, chosen, Viewpoint(ORBIT)
        parts.append(sheet.decode(renderer.render(*job), len(chosen), PIXELS))
    return np.concatenate(parts)


def _stored(shown: CaptionedEpisode) -> np.ndarray:
    """Return the images of all cameras side by side, uint8[T, H, W, 3], magnified."""
    cameras = [shown.episode.steps[camera.name] for camera in shown.spec.cameras]
    height = max(images.shape[1] for images in cameras)
    padded = [
        np.pad(c, ((0, 0), (0, height - c.shape[1]), (0, 0), (0, 0))) for c in cameras
    ]
    times = max(1, PIXELS // height)
    return np.concatenate(padded, axis=2).repeat(times, axis=1).repeat(times, axis=2)


def _captioned(frames: np.ndarray, shown: CaptionedEpisode) -> np.ndarray:
    """Return frames of even height and width with the caption above."""
    count, height, width, _ = frames.shape
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    band = Image.new("RGB", (frames.shape[2], _CAPTION), _PAPER)
    font = ImageFont.load_default(size=16)
    ImageDraw.Draw(band).text((8, 4), shown.caption, fill=_INK, font=font)
    above = np.broadcast_to(np.asarray(band), (count, *np.asarray(band).shape))
    return np.concatenate([above, frames], axis=1)


def draw(shown: Sequence[CaptionedEpisode], layout: Layout, control_hz: float) -> str:
    """Return an SVG with episodes side by side, in a loop, from their states alone."""
    drawn = [
        svg.element(
            "g",
            episode_views.drawing(
                each.episode,
                layout,
                (len(each.episode) - 1) / control_hz,
                each.caption,
                failed=not each.episode.metadata[fields.SUCCESS],
            ),
            transform=svg.translate((number * WIDTH, 0)),
        )
        for number, each in enumerate(shown)
    ]
    return svg.element(
        "svg",
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {len(shown) * WIDTH} {HEIGHT}",
    )
