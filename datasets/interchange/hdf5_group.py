"""Groups of HDF5 files of any origin: only arrays that the file itself holds are read.

HDF5 can take the bytes of an array from other files (external storage, external links,
virtual arrays), an array of any size may be declared of which nothing is stored, and
values of variable length may all be one that is stored once.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

# Compression makes arrays of zeros a thousand times smaller; small arrays may be more.
_MOST_RATIO, _SMALL_BYTES = 2000, 16 << 20
_MOST_TEXT_BYTES = 64 << 20  # of an array that is not of numbers
_TEXT_OVERHEAD = 64  # bytes that a text takes beside its letters


class _Attributes(h5py.AttributeManager):
    """Attributes; those of variable length are single values."""

    def __getitem__(self, name: str) -> Any:
        attribute = self.get_id(name)
        if attribute.dtype.hasobject and math.prod(attribute.shape or ()) > 1:
            raise ValueError(f"the attribute {name!r} is of variable length")
        return super().__getitem__(name)


class Hdf5Group:
    """A group; names in it may be paths.

    Attributes:
      attrs: its attributes.
      names: names of what it holds.
    """

    def __init__(self, group: h5py.Group):
        """Wrap an open group."""
        self._group = group
        self.attrs = _Attributes(group)
        self.names = list(group)

    def group(self, path: str) -> "Hdf5Group":
        """Return a group of it.

        Raises:
          ValueError: if it is a link or no group.
          KeyError: if it is missing.
        """
        node = self._node(path)
        if not isinstance(node, h5py.Group):
            raise ValueError(f"{path!r} is no group")
        return Hdf5Group(node)

    def __contains__(self, path: str) -> bool:
        """Return whether there is such an object, or a link, which is not followed."""
        try:
            self._node(path)
        except KeyError:
            return False
        except ValueError:
            return True
        return True

    def arrays(self, path: str) -> Iterator[str]:
        """Yield the paths of the arrays at or below a path, in order.

        Raises:
          ValueError: if there is a link among them.
        """
        paths, seen = [path], set()
        while paths:
            path = paths.pop()
            node = self._node(path)
            address = h5py.h5o.get_info(node.id).addr
            if isinstance(node, h5py.Dataset):
                yield path
            elif isinstance(node, h5py.Group) and address not in seen:
                seen.add(address)  # a group may contain itself
                paths += [f"{path}/{name}" for name in sorted(node, reverse=True)]

    def shape(self, path: str) -> tuple[tuple[int, ...], int]:
        """Return shape and number of bytes of an array, without reading it.

        Raises:
          ValueError: if it is no array of this file, or less is stored than declared.
          KeyError: if it is missing.
        """
        array = self._node(path)
        if not isinstance(array, h5py.Dataset) or array.shape is None:
            raise ValueError(f"{path!r} is no array")
        if array.external or array.is_virtual:
            raise ValueError(f"{path!r} lies in another file; copy the data into this")
        is_text = h5py.check_string_dtype(array.dtype) is not None
        if array.dtype.hasobject and not is_text:
            raise ValueError(f"{path!r} is of variable length: leave it out")
        size, stored = array.nbytes, array.id.get_storage_size()
        available = min(stored, os.path.getsize(array.file.filename))
        if size > _SMALL_BYTES + _MOST_RATIO * available:
            raise ValueError(
                f"{path!r} is declared as {size / 2**20:.0f} MiB, but {stored} bytes "
                "are stored"
            )
        if array.dtype.kind not in "fiubc" and size > _MOST_TEXT_BYTES:
            raise ValueError(f"{path!r} is no array of numbers, and too large")
        return array.shape, size

    def read(self, path: str, row: int | tuple = ()) -> np.ndarray:
        """Return an array, or one row of it; raises as `shape`."""
        self.shape(path)
        array = self._node(path)
        if not array.dtype.hasobject:
            return np.asarray(array[row])
        texts, size = np.empty(array.shape, object), 0
        for index in np.ndindex(array.shape):
            texts[index] = array[index]
            size += len(texts[index]) + _TEXT_OVERHEAD
            if size > _MOST_TEXT_BYTES:
                raise ValueError(f"{path!r} has texts of variable length, too large")
        return np.asarray(texts[row])

    def _node(self, path: str) -> Any:
        node = self._group
        for name in path.split("/"):
            if not isinstance(node, h5py.Group) or not name:
                raise KeyError(f"there is no {path!r}")
            link = node.get(name, getlink=True)
            if link is None:
                raise KeyError(f"there is no {path!r}")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{path!r} is a link; copy the data into its place")
            node = node[name]
        return node
