"""TFRecord framing: length, its checksum, payload, its checksum.

TensorFlow's own writer can neither append to a file nor sync it, and its reader
stops at the first damaged record without its position.
"""

import dataclasses
import struct
from collections.abc import Iterator

import google_crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
OVERHEAD = _HEADER.size + _FOOTER.size
_MASK_DELTA = 0xA282EAD8  # of TFRecord, so that a checksum may itself be checksummed


@dataclasses.dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
      offset: where its frame begins, in bytes.
      payload: its content, a view into the file.
      checksum: the stored checksum of the payload.
      sound: whether the payload fits it.
    """

    offset: int
    payload: memoryview
    checksum: int
    sound: bool

    @property
    def end(self) -> int:
        """End of the frame, in bytes."""
        return self.offset + len(self.payload) + OVERHEAD


def frame(payload: bytes) -> bytes:
    """Return a payload framed as one whole record."""
    length = struct.pack("<Q", len(payload))
    checksums = _masked_crc32c(length), _masked_crc32c(payload)
    return b"".join(
        (length, _FOOTER.pack(checksums[0]), payload, _FOOTER.pack(checksums[1]))
    )


def _masked_crc32c(data: bytes | memoryview) -> int:
    crc = google_crc32c.value(bytes(data))
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame_checksum(framed: bytes) -> int:
    """Return the checksum that a frame states for its payload."""
    return _FOOTER.unpack_from(framed, len(framed) - _FOOTER.size)[0]


def payload_of(framed: memoryview) -> memoryview:
    """Return the content of one whole record."""
    return framed[_HEADER.size : len(framed) - _FOOTER.size]


def frames(data: memoryview) -> Iterator[memoryview]:
    """Yield payloads without checking them.

    Raises:
      ValueError: if a frame is broken or the file is cut off.
    """
    offset = 0
    while offset < len(data):
        found = _next_frame(data, offset)
        if found is None:
            raise ValueError(f"the record at byte {offset} is broken or cut off")
        yield found[1]
        offset += len(found[1]) + OVERHEAD


def scan(data: memoryview) -> Iterator[Record]:
    """Yield the records of a file up to its end or to the first broken frame.

    A damaged payload inside an intact frame is yielded as unsound and passed
    over; a frame that is cut off, or whose length is damaged, ends the scan. The
    last record's `end` therefore tells how much of the file could be read.

    Args:
      data: the file's bytes.
    """
    offset = 0
    while (found := _next_frame(data, offset)) is not None:
        start, payload, crc = found
        yield Record(start, payload, crc, crc == _masked_crc32c(payload))
        offset += len(payload) + OVERHEAD


def is_cut_off(data: memoryview, offset: int) -> bool:
    """Return whether the file ends within the frame that begins at `offset`."""
    rest = len(data) - offset
    if rest < _HEADER.size:
        return rest > 0
    length, length_crc = _HEADER.unpack_from(data, offset)
    intact = _masked_crc32c(data[offset : offset + 8]) == length_crc
    return intact and rest < length + OVERHEAD


def _next_frame(data: memoryview, offset: int) -> tuple[int, memoryview, int] | None:
    """Return (offset, payload, stored checksum) of the frame at `offset`."""
    if offset + _HEADER.size > len(data):
        return None
    length, length_crc = _HEADER.unpack_from(data, offset)
    if _masked_crc32c(data[offset : offset + 8]) != length_crc:
        return None
    start = offset + _HEADER.size
    if start + length + _FOOTER.size > len(data):
        return None
    (crc,) = _FOOTER.unpack_from(data, start + length)
    return offset, data[start : start + length], crc
