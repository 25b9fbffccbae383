"""Upright frames of a video file: resampled to small squares, or as they are.

The file is decoded as a stream: few frames at a time are held beside the result.
"""

import contextlib
import itertools
import math
import os
from collections.abc import Iterator, Sequence

import av
import numpy as np

from wtl.datasets.format import images

MAX_BYTES = 512 << 20
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
      path: a file in the mp4 or QuickTime format.
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
        raise _undecodable(error) from None
    if count < MIN_FRAMES:
        raise VideoError(
            f"is too short: {count} frames at {hz:g} Hz where at least "
            f"{MIN_FRAMES} are needed"
        )
    return room[:count].copy()


def at_times(
    path: str | os.PathLike,
    times: Sequence[float],
    shape: tuple[int, int, int],
    tolerance: float,
) -> np.ndarray:
    """Return the frames that are nearest to some times.

    Args:
      path: a file in the mp4 or QuickTime format.
      times: [T] ascending times, in the seconds of the file.
      shape: (H, W, 3), size of the upright frames.
      tolerance: seconds by which a frame may be off its time.

    Returns:
      uint8[T, H, W, 3] RGB images.

    Raises:
      VideoError: if it cannot be decoded, is cut off, its frames are of another size,
        or it has no frame near one of the times.
    """
    if not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise VideoError("is wanted at times that do not ascend")
    try:
        with _opened(path) as (container, stream):
            height, width = stream.codec_context.height, stream.codec_context.width
            if shape not in ((height, width, 3), (width, height, 3)):
                raise _other_size(width, height, shape)
            start = int((times[0] - tolerance) / stream.time_base)
            if start > 0:
                container.seek(start, stream=stream)  # to a key frame before it
            result, shown = np.empty((len(times), *shape), np.uint8), None
            near = _nearest(_timed(container, stream), times)
            for row, due, (time, frame) in zip(result, times, near, strict=True):
                if abs(time - due) > tolerance:
                    raise VideoError(f"has no frame at {due:.4f} s")
                if frame is not shown:
                    image, shown = _upright(frame, shape), frame
                row[:] = image
            return result
    except av.FFmpegError as error:
        raise _undecodable(error) from None


def _decode(path: str | os.PathLike) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield frames with their times in seconds after the first, and then the end."""
    first = time = None
    with _opened(path) as (container, stream):
        for found, frame in _timed(container, stream):
            first = found if first is None else first
            time = found - first
            yield time, frame
        if time is not None:
            yield time + 2 * _ROUNDING, None


@contextlib.contextmanager
def _opened(
    path: str | os.PathLike,
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Yield an open file and its video stream, whose frames are not too large."""
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
        if max(size) > images.MAX_SIDE:
            raise _too_large(*size)
        stream.thread_type = "AUTO"
        yield container, stream


def _timed(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield frames with their times in seconds."""
    for frame in container.decode(stream):
        if max(frame.width, frame.height) > images.MAX_SIDE:  # it may change
            raise _too_large(frame.width, frame.height)
        if frame.time is None:
            raise VideoError("has a frame without a timestamp")
        yield frame.time, frame


def _nearest(
    timed: Iterator[tuple[float, av.VideoFrame]], times: Sequence[float]
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield the frame that is nearest to each of some ascending times, and its time."""
    before = after = next(timed, (-math.inf, None))
    for due in times:
        while after is not None and after[0] < due:
            before, after = after, next(timed, None)
        yield min(filter(None, (before, after)), key=lambda one: abs(one[0] - due))


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


def _upright(frame: av.VideoFrame, shape: tuple[int, int, int]) -> np.ndarray:
    axes = _orientation(frame)[0]
    upright = (frame.height, frame.width)[:: -1 if axes == (1, 0) else 1]
    if (*upright, 3) != shape:  # before it is converted: it may be of any size
        raise _other_size(*upright[::-1], shape)
    return _turned(frame.to_ndarray(format="rgb24"), frame)


def _orientation(frame: av.VideoFrame) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """Return the order of axes, and then the slices, that turn a frame upright.

    Its display matrix maps pixels to the screen, x' = a x + c y and y' = b x + d y. It
    is taken for the nearest one of quarter turns and mirrorings.
    """
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return (0, 1), (slice(None), slice(None))
    a, b, _, c, d = np.frombuffer(found, np.int32)[:5].tolist()
    is_turned = abs(b) > abs(a)
    across, down = (c, b) if is_turned else (a, d)
    slices = tuple(slice(None, None, -1 if sign < 0 else 1) for sign in (down, across))
    return (1, 0) if is_turned else (0, 1), slices


def _turned(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    axes, slices = _orientation(frame)
    return image.transpose(*axes, 2)[slices]


def _too_large(width: int, height: int) -> VideoError:
    return VideoError(
        f"has {width} × {height} pixels; at most {images.MAX_SIDE} a side are read: "
        "scale it down"
    )


def _other_size(width: int, height: int, shape: tuple[int, ...]) -> VideoError:
    return VideoError(
        f"has frames of {width} × {height} pixels, not {shape[1]} × {shape[0]}"
    )


def _undecodable(error: av.FFmpegError) -> VideoError:
    return VideoError(
        f"cannot be decoded: it is cut off, damaged or no mp4 ({error.strerror})"
    )


def _small(frame: av.VideoFrame, pixels: int) -> np.ndarray:
    # The middle stays the middle, so it is turned upright when it is small.
    return _turned(images.squared(frame.to_image(), pixels), frame)
