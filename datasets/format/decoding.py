"""`tf.train.Example` bytes to episodes; see `encoding` for their form.

The bytes are not trusted: the result is an episode of the expected shapes or a
`DecodeError`. Only requested fields are decoded.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.metadata import METADATA, Kind, present
from wtl.datasets.format import images
from wtl.datasets.format.encoding import BYTES_LIST, FLOAT_LIST, INT64_LIST, prefix

_TAG_1, _TAG_2 = 1 << 3 | 2, 2 << 3 | 2
_FLOAT = struct.Struct("<f")
_NAMES = {
    key.encode(): key
    for key in [*METADATA, *(fields.step_key(name) for name in fields.STEP_FIELDS)]
}


class DecodeError(ValueError):
    """Bytes that are not a serialised episode."""


# (kind of list, its bytes) by feature name.
Features = dict[str, tuple[int, memoryview]]


def decode(payload: bytes | memoryview, spec: EpisodeSpec) -> Episode:
    """Parse an episode; its arrays are writable copies.

    Raises:
      DecodeError: if a field is missing, unknown, of another type or size.
    """
    features = split(payload)
    steps = {
        name: step_array(features, name, shape, dtype).copy()
        for name, (shape, dtype) in spec.step_arrays().items()
    }
    lengths = {len(array) for array in steps.values()}
    if len(lengths) != 1:
        raise DecodeError(f"step fields have different lengths: {sorted(lengths)}")
    metadata = metadata_values(features, spec)
    if len(features) != len(steps) + len(metadata):
        known = {*metadata, *(fields.step_key(name) for name in steps)}
        unknown = sorted(set(features) - known)
        raise DecodeError(f"unknown field {unknown[0]!r}")
    return Episode(steps=steps, metadata=metadata)


def decode_metadata(
    payload: bytes | memoryview, names: Iterable[str]
) -> dict[str, Any]:
    """Parse only the named metadata fields of an episode.

    Raises:
      DecodeError: if one of them is missing or of another type.
    """
    features = split(payload)
    return {name: value(features, name) for name in names}


def episode_id(payload: bytes | memoryview) -> str:
    """Parse the id of an episode alone.

    Raises:
      DecodeError: if it is missing or of another type.
    """
    return value(split(payload), fields.EPISODE_ID)


def split(payload: bytes | memoryview) -> Features:
    """Split an Example into its features, without decoding them.

    Raises:
      DecodeError: if it is not a well-formed Example.
    """
    view = memoryview(payload)
    try:
        start, end = _field(view, 0, len(view), _TAG_1)
        if end != len(view):
            raise DecodeError("bytes are left over")
        return _split(view, start, end)
    except IndexError:
        raise DecodeError("it is cut off") from None


def metadata_values(features: Features, spec: EpisodeSpec) -> dict[str, Any]:
    """Return the metadata of an episode.

    Raises:
      DecodeError: if a field is missing, of another type or size.
    """
    vectors = spec.optional_metadata
    metadata = {name: value(features, name) for name in present(vectors)}
    for name, size in vectors.items():
        if size and len(metadata[name]) != size:
            raise DecodeError(f"field {name!r} is not {size} numbers")
    return metadata


def step_array(
    features: Features, name: str, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Return a step field as a [T+1, *shape] array, a view of the bytes where possible.

    Raises:
      DecodeError: if it is missing, of another type or size.
    """
    body = _body(
        features,
        fields.step_key(name),
        {"f4": FLOAT_LIST, "f8": BYTES_LIST, "u1": BYTES_LIST}.get(
            dtype.str[1:], INT64_LIST
        ),
    )
    try:
        if dtype == np.uint8:
            decoded = [images.decode(data, shape) for data in _byte_values(body)]
            return np.stack(decoded) if decoded else np.zeros((0, *shape), dtype)
        if dtype == np.float64:
            return _double_rows(body, shape[0])
        body = _packed(body)
        if dtype == np.bool_:
            flags = np.frombuffer(body, np.uint8)
            if flags.size and flags.max() > 1:
                raise DecodeError(f"step field {name!r} is not of 0 and 1")
            return flags.view(np.bool_)
        return np.frombuffer(body, dtype).reshape(-1, *shape)
    except DecodeError:
        raise
    except images.ImageError as error:
        raise DecodeError(f"step field {name!r}: {error}") from None
    except (ValueError, IndexError):
        raise DecodeError(
            f"step field {name!r} does not divide into rows of {list(shape)}"
        ) from None


def value(features: Features, name: str) -> Any:
    """Return the value of a metadata field.

    Raises:
      DecodeError: if it is missing or of another type.
    """
    list_kind, decoder = _VALUE_DECODERS[name]
    body = _body(features, name, list_kind)
    try:
        return decoder(body)
    except (ValueError, IndexError, struct.error):
        raise DecodeError(
            f"field {name!r} is not {METADATA[name].kind.value}"
        ) from None


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return a number and its end."""
    result = shift = 0
    while shift < 64:
        byte = view[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
    raise DecodeError("a number has no end")


def _field(view: memoryview, at: int, limit: int, tag: int) -> tuple[int, int]:
    """Return the bounds of the bytes of a length-delimited field."""
    if view[at] != tag:
        raise DecodeError("not a tf.train.Example")
    size = view[at + 1]
    at += 2
    if size > 0x7F:
        size, at = _varint(view, at - 1)
    end = at + size
    if end > limit:
        raise DecodeError("a field reaches past its end")
    return at, end


def _split(view: memoryview, at: int, limit: int) -> Features:
    # Sizes are read in place, not by `_field`: this loop is half the time of
    # reading a dataset.
    result = {}
    while at < limit:
        if view[at] != _TAG_1:
            raise DecodeError("not a tf.train.Example")
        size, at = view[at + 1], at + 2
        if size > 0x7F:
            size, at = _varint(view, at - 1)
        entry_end = at + size
        # All known names are shorter than 128 bytes, so their size takes one byte.
        key_end = at + 2 + view[at + 1]
        if view[at] != _TAG_1 or view[key_end] != _TAG_2:
            raise DecodeError("not a tf.train.Example")
        key = bytes(view[at + 2 : key_end])
        size, at = view[key_end + 1], key_end + 2
        if size > 0x7F:
            size, at = _varint(view, at - 1)
        feature_end = at + size
        tag, size, at = view[at], view[at + 1], at + 2
        if size > 0x7F:
            size, at = _varint(view, at - 1)
        if tag & 7 != 2 or not at + size == feature_end == entry_end <= limit:
            raise DecodeError("a feature is not one list")
        name = _NAMES.get(key) or key.decode(errors="replace")
        if name in result:
            raise DecodeError(f"field {name!r} is there twice")
        result[name] = (tag >> 3, view[at:entry_end])
        at = entry_end
    return result


def _body(features: Features, key: str, list_kind: int) -> memoryview:
    if key not in features:
        raise DecodeError(f"field {key!r} is missing")
    found, body = features[key]
    if found != list_kind:
        raise DecodeError(f"field {key!r} has another type")
    return body


def _byte_values(body: memoryview) -> list[memoryview]:
    result, at = [], 0
    while at < len(body):
        start, at = _field(body, at, len(body), _TAG_1)
        result.append(body[start:at])
    return result


def _packed(body: memoryview) -> memoryview:
    if not body:
        return body
    start, end = _field(body, 0, len(body), _TAG_1)
    if end != len(body):
        raise DecodeError("a list is not packed")
    return body[start:end]


def _double_rows(body: memoryview, size: int) -> np.ndarray:
    """Return rows of doubles, each stored as one string of bytes."""
    head = np.frombuffer(prefix(1, 8 * size), np.uint8)
    rows = np.frombuffer(body, np.uint8).reshape(-1, len(head) + 8 * size)
    if (rows[:, : len(head)] != head).any():
        raise DecodeError("a row of doubles has another size")
    return np.ascontiguousarray(rows[:, len(head) :]).view("<f8")


def _text(body: memoryview) -> str:
    if body[1] == len(body) - 2 < 0x80 and body[0] == _TAG_1:
        return str(body[2:], "utf-8")
    start, end = _field(body, 0, len(body), _TAG_1)
    if end != len(body):
        raise DecodeError("more than one text")
    return str(body[start:end], "utf-8")


def _int(body: memoryview, low: int = -1 << 63, end: int = 1 << 63) -> int:
    """Return a number from `low` up to `end`."""
    if len(body) == 3 and body[2] < 0x80 and body[1] == 1 and body[0] == _TAG_1:
        number = body[2]
    else:
        packed = _packed(body)
        number, size = _varint(packed, 0)
        if size != len(packed) or number >> 64:
            raise DecodeError("not one number")
        number -= number >> 63 << 64
    if not low <= number < end:
        raise DecodeError("out of range")
    return number


_DECODERS: dict[Kind, tuple[int, Callable[[memoryview], Any]]] = {
    Kind.TEXT: (BYTES_LIST, _text),
    Kind.TEXTS: (
        BYTES_LIST,
        lambda body: tuple(str(item, "utf-8") for item in _byte_values(body)),
    ),
    Kind.BOOL: (INT64_LIST, lambda body: bool(_int(body, 0, 2))),
    Kind.INT32: (INT64_LIST, lambda body: _int(body, -1 << 31, 1 << 31)),
    Kind.INT64: (INT64_LIST, _int),
    Kind.FLOAT32: (FLOAT_LIST, lambda body: _FLOAT.unpack(_packed(body))[0]),
    Kind.FLOATS: (
        FLOAT_LIST,
        lambda body: tuple(np.frombuffer(_packed(body), "<f4").tolist()),
    ),
}
_VALUE_DECODERS = {name: _DECODERS[field.kind] for name, field in METADATA.items()}
