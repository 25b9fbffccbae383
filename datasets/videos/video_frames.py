"""Frames of a video file, resampled to small, square, upright images.

The file is decoded as a stream, so that few frames at a time are held at full size.
"""

import itertools
import math
import os
from collections.abc import Iterator

import av
import numpy as np
from PIL import Image

MAX_BYTES = 512 << 20
MAX_SIDE = 4096  # pixels
MAX_SECONDS = 60.0
MIN_FRAMES = 8
_ROUNDING = 1e-3  # seconds by which a file's timestamps may be off


class VideoError(ValueError):
    """Fault of a video file, as a clause that follows its name."""


def read(
    path: str | os.PathLike,
    pixels: int,
    hz: float,
    start_s: float = 0.0,
    end_s: float = math.inf,
) -> np.ndarray:
    """Return the frames shown at the start and every control period after it.

    Of each frame the largest square around its centre is kept; what lies left and
    right of it, or above and below, is lost.

    Args:
      path: a file in the mp4 format.
      pixels: height and width of the result.
      hz: frames per second of the result.
      start_s: start, in seconds after the first frame.
      end_s: end, likewise; by default that of the last frame.

    Returns:
      uint8[T, pixels, pixels, 3] RGB images.

    Raises:
      VideoError: if it cannot be decoded, is cut off, too large, too long or too
        short.
    """
    # In one piece: small arrays in the gaps that large frames leave behind would keep
    # the allocator from filling these again.
    room = np.empty((int(MAX_SECONDS * hz) + 1, pixels, pixels, 3), np.uint8)
    count = 0
    try:
        for (_, frame), (until, _) in itertools.pairwise(_decode(path)):
            first = count
            while (due := start_s + count / hz) < until - _ROUNDING:
                if due > end_s + _ROUNDING:
                    break
                if count == len(room):
                    raise VideoError(
                        f"lasts more than {MAX_SECONDS:g} s; cut it, or give start_s "
                        "and end_s"
                    )
                room[count] = _small(frame, pixels) if count == first else room[first]
                count += 1
            if due > end_s + _ROUNDING:
                break
    except av.FFmpegError as error:
        raise VideoError(
            f"cannot be decoded: it is cut off, damaged or no mp4 ({error.strerror})"
        ) from None
    if count < MIN_FRAMES:
        raise VideoError(
            f"is too short: {count} frames at {hz:g} Hz where at least "
            f"{MIN_FRAMES} are needed"
        )
    return room[:count].copy()


def _decode(path: str | os.PathLike) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield frames with their times in seconds after the first, and then the end."""
    # Decoders take a file for complete that ends between two frames.
    if _is_cut_off(path):
        raise VideoError("is cut off; copy it again")
    # The format is given, for others may be playlists that name further files.
    with av.open(
        os.path.abspath(path), format="mp4", metadata_errors="replace"
    ) as container:
        stream = container.streams.best("video")
        if stream is None:
            raise VideoError("has no video stream")
        if stream.codec_context is None:
            raise VideoError("is in a code that cannot be decoded; convert it to H.264")
        size = stream.codec_context.width, stream.codec_context.height
        if max(size) > MAX_SIDE:
            raise VideoError(
                f"has {size[0]} × {size[1]} pixels; at most {MAX_SIDE} a side are "
                "read: scale it down"
            )
        stream.thread_type = "AUTO"
        first = time = None
        for frame in container.decode(stream):
            if frame.time is None:
                raise VideoError("has a frame without a timestamp")
            first = frame.time if first is None else first
            time = frame.time - first
            yield time, frame
        if time is not None:
            yield time + 2 * _ROUNDING, None


def _is_cut_off(path: str | os.PathLike) -> bool:
    """Return whether an mp4 file ends within a box of frames or of their index."""
    end = os.path.getsize(path)
    with open(path, "rb") as file:
        at = 0
        while at < end:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:  # of boxes above 4 GiB
                size = int.from_bytes(head[8:], "big")
            if size < 8:
                break  # the rest is one box, or padding, or this is no mp4 at all
            at += size
            if at > end and head[4:8] in (b"moov", b"moof", b"mdat"):
                return True
    return False


def _small(frame: av.VideoFrame, pixels: int) -> np.ndarray:
    side = min(frame.width, frame.height)
    left, top = (frame.width - side) / 2, (frame.height - side) / 2
    image = frame.to_image().resize(
        (pixels, pixels),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
    )
    # The middle stays the middle, so it is turned upright when it is small.
    return np.rot90(np.asarray(image), round(frame.rotation / 90))
