"""Episodes to `tf.train.Example` bytes, straight from stacked arrays.

TFDS encodes a nested dataset step by step, at some 10 ms an episode. The wire
form of an episode is small and fixed, so it is written here from whole arrays; a
test pins that the bytes are those TFDS itself gives for `schema.features`.

An Example is a map from feature name to a list of bytes (field 1), of floats (2)
or of int64 (3), the last two packed. Entries are sorted by name, as protobuf's
deterministic serialisation does.
"""

import functools
from typing import Any

import numpy as np

from datasets import fields, images
from datasets.episode import Episode
from datasets.metadata import METADATA, Kind

BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3
_UINT64 = (1 << 64) - 1


def encode(episode: Episode, image_encoding: str = images.PNG) -> bytes:
    """Serialises a valid episode."""
    parts = []
    for key, is_step, name in _layout(tuple(episode.steps), tuple(episode.metadata)):
        if name in fields.IMAGE_FIELDS:
            feature = _encode_images(episode.steps[name], image_encoding)
        elif is_step:
            feature = _encode_steps(episode.steps[name])
        else:
            feature = _encode_value(METADATA[name].kind, episode.metadata[name])
        parts.append(delimited(1, key + delimited(2, feature)))
    return delimited(1, b"".join(parts))


def delimited(number: int, body: bytes) -> bytes:
    """A length-delimited protobuf field, its number below 16."""
    return prefix(number, len(body)) + body


def prefix(number: int, size: int) -> bytes:
    """What comes before the bytes of a length-delimited field."""
    if size < 0x80:
        return bytes((number << 3 | 2, size))
    return bytes((number << 3 | 2,)) + _varint(size)


@functools.cache
def _layout(
    step_fields: tuple[str, ...], metadata_fields: tuple[str, ...]
) -> tuple[tuple[bytes, bool, str], ...]:
    """(encoded key, whether a step field, field name) in order of stored names."""
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


def _packed(list_kind: int, body: bytes) -> bytes:
    return delimited(list_kind, delimited(1, body) if body else b"")


def _encode_steps(array: np.ndarray) -> bytes:
    if array.dtype == np.float64:
        # Floats of an Example are 32 bits; physics must come back exactly.
        rows = np.ascontiguousarray(array, "<f8").view(np.uint8)
        head = np.frombuffer(prefix(1, rows.shape[1]), np.uint8)
        heads = np.broadcast_to(head, (len(rows), len(head)))
        return delimited(BYTES_LIST, np.concatenate([heads, rows], axis=1).tobytes())
    if array.dtype == np.bool_:
        return _packed(INT64_LIST, array.tobytes())
    return _packed(FLOAT_LIST, array.astype("<f4", copy=False).tobytes())


def _encode_images(array: np.ndarray, encoding: str) -> bytes:
    rows = (delimited(1, images.encode(image, encoding)) for image in array)
    return delimited(BYTES_LIST, b"".join(rows))


def _encode_value(kind: Kind, value: Any) -> bytes:
    if kind is Kind.TEXT:
        return delimited(BYTES_LIST, delimited(1, value.encode()))
    if kind is Kind.TEXTS:
        body = b"".join(delimited(1, item.encode()) for item in value)
        return delimited(BYTES_LIST, body)
    if kind in (Kind.FLOAT32, Kind.FLOATS):
        return _packed(FLOAT_LIST, np.asarray(value, "<f4").tobytes())
    return _packed(INT64_LIST, _varint(int(value)))
