"""Recognition of the world that a stored dataset is of."""

import pathlib

from wtl.collection.worlds import registry
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.layout import Layout
from wtl.datasets.storage import location

_MAX_SIZE = 8  # entities of each kind in a scene


def world_of(version: pathlib.Path, spec: EpisodeSpec) -> World | None:
    """Return the world of a version; None for an unknown one.

    The provenance names it. Versions made before it did, and imported ones, are of the
    first world that their spec fits.

    Args:
      version: folder of the version.
      spec: of its episodes.
    """
    name = location.read_provenance(version).get(fields.PROVENANCE_WORLD)
    if name:
        return registry.get(name) if name in registry.names() else None
    return next((world for world in registry.usable() if layout_of(world, spec)), None)


def layout_of(world: World, spec: EpisodeSpec) -> Layout | None:
    """Return the layout of the states of a spec; None if they are of another world."""
    if world.episodes:
        return world.encoder(1) if world.episodes == spec else None
    if spec.action_size not in (0, len(world.spec.axes)):
        return None
    layouts = map(world.encoder, range(1, _MAX_SIZE + 1))
    return next((one for one in layouts if one.state_size == spec.state_size), None)
