"""Small mp4 files whose frames are numbered, for tests that need no camera."""

import itertools
import os
from collections.abc import Iterable, Sequence

import av
import numpy as np

_BITS = 8
_TICKS = 1000


def numbered(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """Return a uint8[H, W, 3] image that shows a number from 0 to 255.

    Its bits are white columns of the largest square around the centre, the first at
    the left, above a line of blue. The region outside a centre crop is red.
    """
    side = min(width, height)
    image = np.full((height, width, 3), (255, 0, 0), np.uint8)
    left, top = (width - side) // 2, (height - side) // 2
    square = image[top : top + side, left : left + side]
    for bit in range(_BITS):
        columns = slice(side * bit // _BITS, side * (bit + 1) // _BITS)
        square[:, columns] = 255 if number >> bit & 1 else 0
    square[-side // 4 :] = (0, 0, 255)
    return image


def number_of(image: np.ndarray) -> int:
    """Return the number that a square image shows.

    Raises:
      ValueError: if the image is not upright, or of more than the square.
    """
    side = len(image)
    if image[-side // 8, :, 2].min() < 150 or image[-side // 8, :, :2].max() > 100:
        raise ValueError("the blue line is not below")
    centres = [side * (2 * bit + 1) // (2 * _BITS) for bit in range(_BITS)]
    shades = image[side // 3, centres].astype(int)
    if (np.ptp(shades, axis=1) > 60).any():
        raise ValueError("what the crop should leave out is there")
    return sum(1 << bit for bit in range(_BITS) if shades[bit].mean() > 127)


def film(
    path: str | os.PathLike,
    images: Iterable[np.ndarray],
    times: Sequence[float],
    *,
    rotation: int = 0,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    movflags: str = "",
    ticks: int = _TICKS,
) -> None:
    """Write an mp4 file.

    Args:
      path: the file.
      images: uint8[H, W, 3] frames of one size.
      times: of each frame, in seconds.
      rotation: degrees counterclockwise by which players turn the frames.
      codec: name of the encoder.
      options: of the encoder; by default nearly lossless ones.
      movflags: of FFmpeg's mp4 writer.
      ticks: per second, to which times are rounded.
    """
    images = iter(images)
    first = next(images)
    muxing = {"movflags": movflags} if movflags else {}
    with av.open(os.fspath(path), "w", options=muxing) as container:
        options = options or {"crf": "5", "bf": "0", "preset": "ultrafast"}
        stream = container.add_stream(codec, rate=ticks, options=options)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for image, time in zip(itertools.chain([first], images), times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = round(time * ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
