"""Perception of the tabletop; see `wtl.collection.worlds.perception.Perception`."""

from collections.abc import Mapping

from wtl.collection.worlds.entities import slot_order
from wtl.collection.worlds.tabletop.perception import loss as losses
from wtl.collection.worlds.tabletop.perception import policy as policies
from wtl.collection.worlds.tabletop.perception.config import PerceptionConfig
from wtl.collection.worlds.tabletop.perception.examples import ExampleSource
from wtl.collection.worlds.tabletop.perception.network import Perception
from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout

examples = ExampleSource
loss = losses.loss
policy = policies.ImagePolicy
by_place = slot_order.by_place


def create(
    layout: Layout, images: Mapping[str, tuple[int, int]], is_human: bool
) -> Perception:
    """See the interface; there is one camera."""
    pixels, _ = images[fields.IMAGE]
    return Perception(PerceptionConfig(layout.size, pixels, watching=is_human))


def adapt(network: Perception, source: ExampleSource, seed: int):
    """See the interface; nothing is prepared."""


def describe(losses) -> dict[str, str]:
    """See the interface."""
    return {"position": f"{1000 * float(losses.position):.1f} mm"}
