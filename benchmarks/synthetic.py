"""Datasets of random numbers in the shape of the tabletop's."""

import pathlib

from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.tabletop import environment
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.storage import new_version
from wtl.datasets.testing.fakes import fake_episode

_BATCH = 500


def write(root: pathlib.Path, count: int, *, pixels: int = 0) -> pathlib.Path:
    """Publish random demonstrations.

    Args:
      root: where datasets are published.
      count: number of episodes.
      pixels: height and width of the images; 0 for none.

    Returns:
      The folder of the version.
    """
    spec = episode_spec(3, CameraConfig(pixels))
    with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
        for start in range(0, count, _BATCH):
            part = range(start, min(start + _BATCH, count))
            version.writer.append(
                [fake_episode(i, spec, transitions=environment.HORIZON) for i in part]
            )
        return version.publish("Random numbers.", {})
