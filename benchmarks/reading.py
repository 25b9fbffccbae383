"""Reading datasets into arrays versus the fastest way of TFDS, and the disk."""

import functools
import pathlib
import tempfile
from collections.abc import Iterable, Iterator

import tensorflow_datasets as tfds

from benchmarks import comparison
from benchmarks.demonstrations import SIZE
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.tabletop import environment
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import Episode
from wtl.datasets.reading import reader
from wtl.datasets.storage import new_version, staging
from wtl.datasets.testing.fakes import fake_episode

_STATES, _IMAGES, _PIXELS = 4000, 300, 64


def run() -> list[comparison.Comparison]:
    """Measure datasets of states, with physics states, and of images."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        states = publish(root / "states", synthetic(_STATES))
        images = publish(root / "images", synthetic(_IMAGES, _PIXELS), _PIXELS)
        compare = functools.partial(comparison.compare, unit="episodes")
        return [
            compare(
                "reading states / TFDS without decoding steps",
                lambda: reader.read(states),
                lambda: _with_tfds(states, (fields.STATE, fields.ACTION)),
                amount=_STATES,
                goal=1,
            ),
            compare(
                "reading states / reading the files' bytes",
                lambda: reader.read(states),
                lambda: sum(len(f.read_bytes()) for f in states.glob("*.tfrecord*")),
                amount=_STATES,
            ),
            compare(
                f"reading {_PIXELS} x {_PIXELS} images / TFDS",
                lambda: reader.read(images, images={fields.IMAGE: (_PIXELS,) * 2}),
                lambda: _with_tfds(images, (fields.IMAGE,)),
                amount=_IMAGES,
                rounds=5,
            ),
        ]


def publish(
    root: pathlib.Path, episodes: Iterable[Episode], pixels: int = 0
) -> pathlib.Path:
    """Publish demonstrations with images of some height and width; 0 for none."""
    spec = episode_spec(SIZE, CameraConfig(pixels))
    with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
        version.add(staging.encoded(episode, spec) for episode in episodes)
        return version.publish("Random numbers.", {})


def synthetic(count: int, pixels: int = 0) -> Iterator[Episode]:
    """Yield episodes of random numbers in the shape of the tabletop's."""
    spec = episode_spec(SIZE, CameraConfig(pixels))
    for index in range(count):
        yield fake_episode(index, spec, transitions=environment.HORIZON)


def _with_tfds(version: pathlib.Path, names: tuple[str, ...]) -> None:
    """Read episodes with TFDS, which can't skip fields of steps.

    Without images it decodes a whole episode at once.
    """
    builder = tfds.builder_from_directory(version)
    whole = fields.IMAGE not in names
    decoders = {fields.STEPS: tfds.decode.SkipDecoding()} if whole else None
    for episode in builder.as_dataset(split="train", decoders=decoders):
        steps = [episode[fields.STEPS]] if whole else episode[fields.STEPS]
        for step in steps:
            for name in names:
                observed = name in fields.OBSERVATION_FIELDS
                (step[fields.OBSERVATION] if observed else step)[name].numpy()
