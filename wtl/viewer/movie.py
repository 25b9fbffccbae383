"""Episodes side by side as one video file, or as one moving drawing."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wtl.collection.drawing import scene, svg
from wtl.collection.drawing.annotation import HEIGHT, WIDTH
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.layout import Layout
from wtl.datasets.sampling import inferred_target
from wtl.viewer import rendering, restoration, sheet

_CAPTION = 28  # pixels above the frames
_HOLD_S = 1.0  # the last frame stays
_INK, _PAPER = (29, 35, 41), (246, 247, 248)


@dataclasses.dataclass(frozen=True, eq=False)
class Take:
    """One episode of a movie.

    Attributes:
      caption: what is said of it.
      episode: with physics states.
      spec: of its dataset.
    """

    caption: str
    episode: Episode
    spec: EpisodeSpec


def film(path: pathlib.Path, takes: Sequence[Take], fps: float):
    """Renders takes side by side, in step, into an MP4 file (H.264).

    Args:
      path: where to.
      takes: of the gripper's world.
      fps: frames a second; episodes have one for each control step.

    Raises:
      RenderingError: if there is nothing to render with.
      OSError: if the file can't be written.
    """
    studio = rendering.Studio()
    try:
        columns = [_frames(studio, take) for take in takes]
    finally:
        studio.close()
    length = max(map(len, columns)) + round(fps * _HOLD_S)
    partial = path.with_name(path.name + ".partial")
    with av.open(os.fspath(partial), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=round(fps))
        stream.pix_fmt = "yuv420p"
        stream.height = columns[0].shape[1]
        stream.width = sum(column.shape[2] for column in columns)
        for t in range(length):
            image = np.concatenate([c[min(t, len(c) - 1)] for c in columns], axis=1)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    partial.replace(path)


def _frames(studio: rendering.Studio, take: Take) -> np.ndarray:
    """uint8[T, H, W, 3] with the caption above."""
    steps, seed = take.episode.steps, take.episode.metadata[fields.SCENE_SEED]
    kind = restoration.kind_of(take.spec)
    if kind is None:
        raise rendering.RenderingError("its physics states are not of the gripper's")
    count = len(steps[fields.STATE])
    parts = []
    for start in range(0, count, sheet.FRAMES):
        chosen = range(start, min(start + sheet.FRAMES, count))
        job = rendering.Job(
            kind,
            steps[fields.STATE][0],
            steps[fields.PHYSICS_STATE],
            chosen,
            seed,
            rendering.View(),
        )
        parts.append(sheet.decode(studio.render(job), len(chosen), rendering.PIXELS))
    frames = np.concatenate(parts)
    band = Image.new("RGB", (frames.shape[2], _CAPTION), _PAPER)
    font = ImageFont.load_default(size=16)
    ImageDraw.Draw(band).text((8, 4), take.caption, fill=_INK, font=font)
    above = np.broadcast_to(np.asarray(band), (count, *np.asarray(band).shape))
    return np.concatenate([above, frames], axis=1)


def draw(takes: Sequence[Take], layout: Layout, fps: float) -> str:
    """Draws takes side by side, in step, from their states alone.

    Args:
      takes: of any world.
      layout: of their states.
      fps: steps a second.

    Returns:
      An SVG that plays in a loop.
    """
    drawn = []
    for number, take in enumerate(takes):
        states, metadata = take.episode.steps[fields.STATE], take.episode.metadata
        crossed = None
        if not metadata[fields.SUCCESS]:
            crossed = int(inferred_target.acted_slots(states[None], layout)[0])
        seconds = (len(states) - 1) / fps
        clip = svg.Clip(0, seconds, seconds + _HOLD_S)
        target = int(metadata[fields.HIDDEN_TARGET])
        made = scene.draw(states, layout, take.caption, target, crossed, clip)
        drawn.append(
            svg.element("g", made, transform=svg.translate((number * WIDTH, 0)))
        )
    return svg.element(
        "svg",
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {len(takes) * WIDTH} {HEIGHT}",
    )
