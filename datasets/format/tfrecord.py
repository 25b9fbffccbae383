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


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One record of a file.

    Attributes:
      offset: where its frame begins, in bytes.
      frame: its bytes, a view into the file.
    """

    offset: int
    frame: memoryview

    @property
    def payload(self) -> memoryview:
        """Its content."""
        return self.frame[_HEADER.size : -_FOOTER.size]

    @property
    def checksum(self) -> int:
        """The stored checksum of the payload."""
        return _FOOTER.unpack(self.frame[-_FOOTER.size :])[0]

    @property
    def sound(self) -> bool:
        """Whether the payload fits its checksum."""
        return self.checksum == _masked_crc32c(self.payload)

    @property
    def end(self) -> int:
        """End of the frame, in bytes."""
        return self.offset + len(self.frame)


def frame(payload: bytes) -> bytes:
    """Return a payload framed as one whole record."""
    length = struct.pack("<Q", len(payload))
    checksums = (_FOOTER.pack(_masked_crc32c(part)) for part in (length, payload))
    return b"".join((length, next(checksums), payload, next(checksums)))


def scan(data: memoryview) -> Iterator[Record]:
    """Yield the records of a file up to its end or to the first broken frame.

    A damaged payload inside an intact frame is yielded and passed over; a frame that is
    cut off, or whose length is damaged, ends the scan. The last record's `end`
    therefore tells how much of the file could be read.
    """
    offset = 0
    while (size := _frame_size(data, offset)) and offset + size <= len(data):
        yield Record(offset, data[offset : offset + size])
        offset += size


def read(data: memoryview) -> list[Record]:
    """Return the records of a whole file, whose payloads are not checked.

    Raises:
      ValueError: if a frame is broken or the file is cut off.
    """
    records = list(scan(data))
    end = records[-1].end if records else 0
    if end < len(data):
        raise ValueError(f"the record at byte {end} is broken or cut off")
    return records


def is_cut_off(data: memoryview, offset: int) -> bool:
    """Return whether the file ends within the frame that begins at `offset`."""
    rest = len(data) - offset
    if rest < _HEADER.size:
        return rest > 0
    return rest < (_frame_size(data, offset) or 0)


def _masked_crc32c(data: bytes | memoryview) -> int:
    crc = google_crc32c.value(bytes(data))
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _frame_size(data: memoryview, offset: int) -> int | None:
    """Return the size that a frame states; None if its header is cut off or broken."""
    if offset + _HEADER.size > len(data):
        return None
    length, length_crc = _HEADER.unpack_from(data, offset)
    intact = _masked_crc32c(data[offset : offset + 8]) == length_crc
    return length + OVERHEAD if intact else None
