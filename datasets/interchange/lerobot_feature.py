"""A feature of a LeRobot dataset: its shape, and its values in the rows of a table."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from wtl.datasets.format import images

_IMAGES = ("image", "video")
_NUMBERS = re.compile(r"bool|(u?int|float)\d+")
_DEPTH = ("is_depth_map", "video.is_depth_map")


@dataclasses.dataclass(frozen=True)
class Feature:
    """An array of each frame.

    Attributes:
      name: its name, such as `observation.images.top`.
      dtype: its type: `video`, `image` or that of its numbers.
      shape: its shape; (H, W, channels) of images.
      names: names of its dimensions in a form of the dataset's own, or None.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    names: Any = None

    @classmethod
    def read(cls, name: str, node: Mapping[str, Any]) -> "Feature | None":
        """Return a feature; None if it is neither numbers nor images.

        Args:
          name: its name.
          node: its description in `meta/info.json`.

        Raises:
          ValueError: if its shape is not one, or its images are too large.
        """
        dtype, shape = node["dtype"], tuple(int(size) for size in node["shape"] or ())
        if min(shape, default=1) < 1:
            raise ValueError(f"{name!r} has shape {shape}")
        if dtype not in _IMAGES:
            is_number = isinstance(dtype, str) and _NUMBERS.fullmatch(dtype)
            return cls(name, dtype, shape, node.get("names")) if is_number else None
        # Videos are decoded to RGB.
        channels = (1, 3, 4) if dtype == "image" else (3,)
        if len(shape) == 3 and shape[0] in channels and shape[2] not in channels:
            shape = (*shape[1:], shape[0])  # channels are first
        about = {**(node.get("info") or {}), **(node.get("video_info") or {})}
        is_depth = any(about.get(key) for key in _DEPTH)
        if len(shape) != 3 or shape[2] not in channels or is_depth:
            return None
        if max(shape) > images.MAX_SIDE:
            raise ValueError(f"{name!r} has more than {images.MAX_SIDE} pixels a side")
        return cls(name, dtype, shape)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of its numbers; empty if they are unknown."""
        names = self.names
        if isinstance(names, Mapping):  # {"motors": [...]}, or positions by name
            first = next(iter(names.values()), None)
            names = first if isinstance(first, list) else list(names)
        is_known = isinstance(names, list) and len(names) == math.prod(self.shape)
        return tuple(map(str, names)) if is_known else ()

    @property
    def is_video(self) -> bool:
        """Whether it is stored in video files."""
        return self.dtype == "video"

    @property
    def is_image(self) -> bool:
        """Whether it is an image."""
        return self.dtype in _IMAGES

    @property
    def frame_bytes(self) -> int:
        """Bytes that a frame takes as an episode's step."""
        return math.prod(self.shape) * (1 if self.is_image else 4)

    def values(self, column: pa.ChunkedArray) -> np.ndarray:
        """Return the values in the rows of a table, [T, ...].

        Raises:
          ValueError: if they are not of its shape.
        """
        if self.is_image:
            return _images(column, self.shape)
        return numbers(column, self.shape)


def numbers(column: pa.ChunkedArray, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Return numbers, or nested lists of them, as one array, [T, *shape].

    Raises:
      ValueError: if they are not of this shape.
    """
    values, sizes = column.combine_chunks(), []
    while pa.types.is_nested(values.type) and not values.null_count:
        sizes += pyarrow.compute.list_value_length(values).unique().to_pylist()
        values = values.flatten()
    if values.null_count:
        raise ValueError("a value is missing")
    # One number is stored without a list, or with one.
    found, wanted = ([n for n in each if n != 1] for each in (sizes, shape))
    if found != wanted or not pa.types.is_primitive(values.type):
        raise ValueError(f"the rows are not of shape {list(shape)}")
    return values.to_numpy(zero_copy_only=False).reshape(len(column), *shape)


def _images(column: pa.ChunkedArray, shape: tuple[int, ...]) -> np.ndarray:
    """Return images that are stored as files in the rows, [T, H, W, channels]."""
    result = np.empty((len(column), *shape), np.uint8)
    for row, cell in zip(result, column, strict=True):
        data = cell["bytes"].as_buffer() if pa.types.is_struct(cell.type) else None
        if data is None:
            raise ValueError("an image is not in its row")
        row[:] = images.decode(memoryview(data), shape).reshape(shape)
    return result
