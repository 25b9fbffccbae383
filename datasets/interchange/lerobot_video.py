"""Videos of LeRobot's dataset format: frames of many episodes in one file.

Encoded as LeRobot encodes its own recordings: AV1 of quality 30, every second frame a
key frame, so that any frame is decoded at the cost of two.
"""

import os
import pathlib
from typing import Any

import av
import numpy as np

_CODEC, _PIXELS = "libsvtav1", "yuv420p"
_OPTIONS = {"crf": "30", "g": "2"}


class CameraVideo:
    """Writer of one camera's videos; a new file begins past a number of bytes."""

    def __init__(
        self,
        folder: pathlib.Path,
        template: str,
        fps: int,
        most_bytes: int,
        files_per_chunk: int,
    ):
        """Begin without a file.

        Args:
          folder: folder of the camera.
          template: path of a file in it, with `chunk_index` and `file_index`.
          fps: frames per second.
          most_bytes: bytes past which no episode is added to a file.
          files_per_chunk: files of the folder of a chunk.
        """
        self._folder, self._template, self._fps = folder, template, fps
        self._most_bytes, self._files_per_chunk = most_bytes, files_per_chunk
        self._file = -1
        self._frames = self._bytes = 0
        self._container: av.container.OutputContainer | None = None

    def add(self, images: np.ndarray) -> dict[str, Any]:
        """Write the frames of an episode, [T, H, W, 3]; return where they are.

        Chunk and file, and the seconds of its first frame and of its end there.
        """
        if self._container is None or self._bytes > self._most_bytes:
            self.close()
            self._open(*images.shape[1:3])
        start = self._frames
        for image in images:
            self._write(av.VideoFrame.from_ndarray(image, format="rgb24"))
        self._frames += len(images)
        chunk, file = divmod(self._file, self._files_per_chunk)
        return {
            "chunk_index": chunk,
            "file_index": file,
            "from_timestamp": start / self._fps,
            "to_timestamp": self._frames / self._fps,
        }

    def close(self) -> None:
        """Finish the file that is open."""
        if self._container is not None:
            self._write(None)
            self._container.close()
            self._container = None

    def _open(self, height: int, width: int) -> None:
        self._file += 1
        chunk, file = divmod(self._file, self._files_per_chunk)
        path = self._folder / self._template.format(chunk_index=chunk, file_index=file)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The encoder writes its settings to stderr, unless only errors are wanted.
        os.environ.setdefault("SVT_LOG", "1")
        self._container = av.open(path, "w")
        self._stream = self._container.add_stream(
            _CODEC, rate=self._fps, options=_OPTIONS
        )
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = _PIXELS
        self._frames = self._bytes = 0

    def _write(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._bytes += packet.size
            self._container.mux(packet)


def feature(image: dict[str, Any], fps: int) -> dict[str, Any]:
    """Return the feature of a camera's images as that of its videos."""
    height, width, channels = image["shape"]
    about = {
        "video.height": height,
        "video.width": width,
        "video.codec": "av1",
        "video.pix_fmt": _PIXELS,
        "video.is_depth_map": False,
        "video.fps": fps,
        "video.channels": channels,
        "has_audio": False,
    }
    return image | {"dtype": "video", "info": about}
