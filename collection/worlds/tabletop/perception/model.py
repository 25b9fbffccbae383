"""Perception of the tabletop; see `wtl.collection.worlds.perception.Perception`."""

from wtl.collection.worlds.entities import slot_order
from wtl.collection.worlds.tabletop.perception import loss as losses
from wtl.collection.worlds.tabletop.perception import policy as policies
from wtl.collection.worlds.tabletop.perception.config import PerceptionConfig
from wtl.collection.worlds.tabletop.perception.examples import ExampleSource
from wtl.collection.worlds.tabletop.perception.network import Perception

examples = ExampleSource
loss = losses.loss
policy = policies.ImagePolicy
by_place = slot_order.by_place


def create(size: int, pixels: int, is_human: bool) -> Perception:
    """See the interface."""
    return Perception(PerceptionConfig(size, pixels, watching=is_human))
