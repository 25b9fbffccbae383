"""Messages in msgpack with arrays, as `openpi-client` speaks it; none is trusted.

An array is a map of its bytes, type and shape under the keys of `msgpack_numpy.py` in
openpi-client 0.1.2. Only numbers and flags are decoded: no objects, texts or records.
"""

import math
import re
from typing import Any

import msgpack
import numpy as np

from wtl.datasets.contract.errors import UserError

MAX_BYTES = 128 << 20  # of a message
_MAX_ITEMS = 100_000  # of all lists and maps of a message: small ones cost much memory
_MAX_LENGTH = 4096  # of a list, a map or a text
_MAX_AXES = 8
_ARRAY, _NUMBER = b"__ndarray__", b"__npgeneric__"
_DATA, _DTYPE, _SHAPE = b"data", b"dtype", b"shape"
_DTYPES = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")


class MessageError(UserError):
    """A message is malformed."""


def pack(tree: Any) -> bytes:
    """Return a tree of maps, lists, texts, numbers and arrays as a message."""
    return msgpack.packb(tree, default=_packed)


def unpack(data: bytes) -> dict[str, Any]:
    """Read a message, a map with texts as keys.

    Raises:
      MessageError: if it is anything else, or too large.
    """
    if len(data) > MAX_BYTES:
        raise MessageError(f"the message has more than {MAX_BYTES >> 20} MiB")
    decoder = _Decoder()
    try:
        tree = msgpack.unpackb(
            data,
            object_hook=decoder.of_map,
            list_hook=decoder.of_list,
            max_str_len=_MAX_LENGTH,
            max_bin_len=MAX_BYTES,
            max_array_len=_MAX_LENGTH,
            max_map_len=_MAX_LENGTH,
            max_ext_len=0,
        )
    except MessageError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise MessageError(f"no msgpack that is read here: {words}") from error
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise MessageError("a message is a map with texts as keys")
    return tree


class _Decoder:
    """Hooks that make arrays, and count the items of one message."""

    def __init__(self):
        self._items = 0

    def of_list(self, items: list) -> list:
        self._count(items)
        return items

    def of_map(self, tree: dict) -> Any:
        self._count(tree)
        if _ARRAY in tree:
            return _array(tree)
        if _NUMBER in tree:
            return _number(tree)
        return tree

    def _count(self, container: list | dict):
        self._items += 1 + len(container)
        if self._items > _MAX_ITEMS:
            raise MessageError(
                f"the message has more than {_MAX_ITEMS} items; send numbers as arrays"
            )


def _array(tree: dict) -> np.ndarray:
    """Return an array, a read-only view of the message."""
    dtype = _dtype(tree)
    data, shape = tree.get(_DATA), tree.get(_SHAPE)
    if not isinstance(shape, list) or len(shape) > _MAX_AXES:
        raise MessageError(
            f"the shape of an array is a list of up to {_MAX_AXES} sizes"
        )
    if not all(type(size) is int and size >= 0 for size in shape):
        raise MessageError("the sizes of an array are whole numbers from 0")
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * dtype.itemsize:
        raise MessageError(f"the data of an array do not fit {dtype}{shape}")
    return np.frombuffer(data, dtype).reshape(shape)


def _number(tree: dict) -> np.generic:
    dtype, value = _dtype(tree), tree.get(_DATA)
    if type(value) not in (int, float, bool):
        raise MessageError("a number of NumPy has no number as its data")
    return np.asarray(value).astype(dtype)[()]


def _dtype(tree: dict) -> np.dtype:
    name = tree.get(_DTYPE)
    if not isinstance(name, str) or not _DTYPES.fullmatch(name):
        raise MessageError(f"arrays hold numbers or flags, not {name!r:.40}")
    return np.dtype(name)


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray) and _DTYPES.fullmatch(value.dtype.str):
        return {
            _ARRAY: True,
            _DATA: value.tobytes(),
            _DTYPE: value.dtype.str,
            _SHAPE: value.shape,
        }
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be sent")
