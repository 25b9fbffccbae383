"""Episodes to `tf.train.Example` bytes, straight from stacked arrays.

TFDS encodes a nested dataset step by step, at some 10 ms an episode. The wire
form of an episode is small and fixed, so it is written here from whole arrays; a
test pins that the bytes are those TFDS itself gives for `schema.features`.

An Example is a map from feature name to a list of bytes (field 1), of floats (2)
or of int64 (3), the last two packed. Entries are sorted by name, as protobuf's
deterministic serialisation does.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.metadata import METADATA, Kind
from wtl.datasets.format import images

BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3
_UINT64 = (1 << 64) - 1


def encode(episode: Episode, image_encoding: str = images.PNG) -> bytes:
    """Serialise a valid episode."""
    parts = []
    for key, is_step, name in _layout(tuple(episode.steps), tuple(episode.metadata)):
        if is_step and episode.steps[name].dtype == np.uint8:
            feature = _encode_images(episode.steps[name], image_encoding)
        elif is_step:
            feature = delimited(*step_feature(episode.steps[name]))
        else:
            feature = delimited(*metadata_feature(name, episode.metadata[name]))
        parts.append(delimited(1, key + delimited(2, feature)))
    return delimited(1, b"".join(parts))


def join(features: Mapping[str, tuple[int, memoryview | bytes]]) -> bytes:
    """Serialise an episode given in the form of `decoding.split`."""
    parts = (
        delimited(1, delimited(1, name.encode()) + delimited(2, delimited(kind, body)))
        for name, (kind, body) in sorted(features.items())
    )
    return delimited(1, b"".join(parts))


def metadata_feature(name: str, value: Any) -> tuple[int, bytes]:
    """Return a metadata field in the form of `decoding.split`."""
    kind = METADATA[name].kind
    if kind is Kind.TEXT:
        return BYTES_LIST, delimited(1, value.encode())
    if kind is Kind.TEXTS:
        return BYTES_LIST, b"".join(delimited(1, item.encode()) for item in value)
    if kind in (Kind.FLOAT32, Kind.FLOATS):
        return FLOAT_LIST, _packed(np.asarray(value, "<f4").tobytes())
    return INT64_LIST, _packed(_varint(int(value)))


def step_feature(array: np.ndarray) -> tuple[int, bytes]:
    """Return a step field [T+1, ...], no image, in the form of `decoding.split`."""
    if array.dtype == np.float64:
        # Floats of an Example are 32 bits; physics must come back exactly.
        rows = np.ascontiguousarray(array, "<f8").view(np.uint8)
        head = np.frombuffer(prefix(1, rows.shape[1]), np.uint8)
        heads = np.broadcast_to(head, (len(rows), len(head)))
        return BYTES_LIST, np.concatenate([heads, rows], axis=1).tobytes()
    if array.dtype == np.bool_:
        return INT64_LIST, _packed(array.tobytes())
    return FLOAT_LIST, _packed(array.astype("<f4", copy=False).tobytes())


def delimited(number: int, body: bytes | memoryview) -> bytes:
    """Return a length-delimited protobuf field, its number below 16."""
    return prefix(number, len(body)) + body


def prefix(number: int, size: int) -> bytes:
    """Return the header of a length-delimited field."""
    if size < 0x80:
        return bytes((number << 3 | 2, size))
    return bytes((number << 3 | 2,)) + _varint(size)


@functools.cache
def _layout(
    step_fields: tuple[str, ...], metadata_fields: tuple[str, ...]
) -> tuple[tuple[bytes, bool, str], ...]:
    """Return (encoded key, is step field, field name) in order of stored names."""
    entries = [(fields.step_key(name), True, name) for name in step_fields]
    entries += [(name, False, name) for name in metadata_fields]
    return tuple(
        (delimited(1, key.encode()), is_step, name)
        for key, is_step, name in sorted(entries)
    )


def _varint(value: int) -> bytes:
    value &= _UINT64  # Negative numbers are stored as two's complement.
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def _packed(body: bytes) -> bytes:
    return delimited(1, body) if body else b""


def _encode_images(array: np.ndarray, encoding: str) -> bytes:
    rows = (delimited(1, images.encode(image, encoding)) for image in array)
    return delimited(BYTES_LIST, b"".join(rows))
