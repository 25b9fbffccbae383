"""Reading datasets into arrays versus the fastest way of TFDS, and the disk."""

import pathlib
import tempfile

import tensorflow_datasets as tfds

from benchmarks import comparison, synthetic
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader

_STATES, _IMAGES, _PIXELS = 4000, 300, 64


def run() -> list[comparison.Comparison]:
    """Measure datasets of states, with physics states, and of images."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        states = synthetic.write(root / "states", _STATES)
        images = synthetic.write(root / "images", _IMAGES, pixels=_PIXELS)
        return [
            comparison.compare(
                "reading states / TFDS without decoding steps",
                lambda: len(reader.read(states)),
                lambda: _with_tfds(states, (fields.STATE, fields.ACTION)),
                unit="episodes",
                goal=1,
            ),
            comparison.compare(
                "reading states / reading the files' bytes",
                lambda: len(reader.read(states)),
                lambda: _bytes_of(states) and _STATES,
                unit="episodes",
            ),
            comparison.compare(
                f"reading {_PIXELS} x {_PIXELS} images / TFDS",
                lambda: len(reader.read(images, with_images=True)),
                lambda: _with_tfds(images, (fields.IMAGE,)),
                unit="episodes",
                rounds=5,
            ),
        ]


def _with_tfds(version: pathlib.Path, names: tuple[str, ...]) -> int:
    """Read episodes with TFDS, which can't skip fields of steps.

    Without images it decodes a whole episode at once.
    """
    builder = tfds.builder_from_directory(version)
    whole = fields.IMAGE not in names
    decoders = {fields.STEPS: tfds.decode.SkipDecoding()} if whole else None
    count = 0
    for episode in builder.as_dataset(split="train", decoders=decoders):
        steps = [episode[fields.STEPS]] if whole else episode[fields.STEPS]
        for step in steps:
            for name in names:
                observed = name in fields.OBSERVATION_FIELDS
                (step[fields.OBSERVATION] if observed else step)[name].numpy()
        count += 1
    return count


def _bytes_of(version: pathlib.Path) -> int:
    return sum(len(file.read_bytes()) for file in version.glob("*.tfrecord*"))
