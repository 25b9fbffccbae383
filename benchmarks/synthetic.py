"""Datasets of random numbers in the shape of the gripper's, as many as wanted."""

import pathlib

from collection import recorder
from datasets import fields, new_version
from datasets.fakes import fake_episode
from datasets.staging import StagingWriter
from wtl.envs import environment

_BATCH = 500


def write(
    root: pathlib.Path, count: int, *, size: int = 3, pixels: int = 0
) -> pathlib.Path:
    """Publishes demonstrations that nobody gave.

    Args:
      root: where datasets are published.
      count: how many.
      size: number of objects.
      pixels: height and width of the images; 0 for none.

    Returns:
      The folder of the version.
    """
    spec = recorder.episode_spec(size, pixels)
    with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
        fill(version.writer, range(count), spec)
        return version.publish("Random numbers.", {})


def fill(writer: StagingWriter, indices: range, spec):
    """Stages episodes by number, batch by batch."""
    for start in range(0, len(indices), _BATCH):
        part = indices[start : start + _BATCH]
        writer.append(
            [fake_episode(i, spec, transitions=environment.HORIZON) for i in part]
        )
