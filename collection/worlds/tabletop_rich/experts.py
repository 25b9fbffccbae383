"""Scripted experts: those of the hard tabletop, in the way that a target names."""

from wtl.collection.worlds.entities.expert import Command
from wtl.collection.worlds.tabletop import experts
from wtl.collection.worlds.tabletop.experts import expert, grasp
from wtl.collection.worlds.tabletop_hard import push
from wtl.collection.worlds.tabletop_rich.rules import SECOND
from wtl.collection.worlds.tabletop_rich.world import World

_LOW, _HIGH = 0.06, 0.17  # metres that an object is lifted


def lift(world: World, target: int) -> Command:
    """Pick up, then lift by a little or by much."""
    index, way = world.entity_and_way(target)
    if not grasp.is_held(world, index):
        return grasp.pick(world, index)
    lifted = world.object_positions[index, 2] - world.initial_positions[index, 2]
    missing = (_HIGH if way == SECOND else _LOW) - lifted
    # From where the object is, since a grip is at no certain height of it.
    height = world.gripper_pose[2] + missing
    return expert.move_to(world, (*world.setpoint[:2], height), noise=0.5)


def _of_target(act):
    """Return the expert of a family for targets, given that for entities."""

    def command(world: World, target: int) -> Command:
        index, way = world.entity_and_way(target)
        return act(world.aimed(way), index)

    return command


EXPERTS = {name: _of_target(act) for name, act in experts.DEMONSTRATORS.items()} | {
    "push": _of_target(push.act),
    "grasp": lift,
}
