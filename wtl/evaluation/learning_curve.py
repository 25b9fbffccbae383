"""Learning curves from TensorBoard event files, read without TensorFlow."""

import os
import pathlib

from tensorboard.compat.proto import event_pb2
from tensorboard.util import tensor_util

from wtl.datasets.format import tfrecord

# Points of one policy's curves: step, and value by name.
Curve = list[tuple[int, dict[str, float]]]


def learning_curves(log_dir: str | os.PathLike) -> dict[str, Curve]:
    """Read the scalars of every policy, which has a folder of event files in a folder.

    After a resumed training, the later file overrides the earlier.

    Returns:
      Points in order of steps, by folder; folders without points are left out.
    """
    folders = sorted(p for p in pathlib.Path(log_dir).glob("*") if p.is_dir())
    found = {folder.name: _curve(folder) for folder in folders}
    return {name: curve for name, curve in found.items() if curve}


def _curve(folder: pathlib.Path) -> Curve:
    points: dict[int, dict[str, float]] = {}
    files = folder.rglob("*tfevents*")
    for file in sorted(files, key=lambda p: (p.stat().st_mtime, p.name)):
        # The last record of a file that is still written may be incomplete.
        for record in tfrecord.scan(memoryview(file.read_bytes())):
            if record.sound:
                _add(event_pb2.Event.FromString(bytes(record.payload)), points)
    return sorted(points.items())


def _add(event: event_pb2.Event, points: dict[int, dict[str, float]]):
    for value in event.summary.value:
        if value.HasField("simple_value"):
            scalar = value.simple_value
        elif value.HasField("tensor"):
            array = tensor_util.make_ndarray(value.tensor)
            if array.size != 1 or array.dtype.kind not in "fiu":
                continue
            scalar = array.item()
        else:
            continue
        points.setdefault(event.step, {})[value.tag] = float(scalar)
