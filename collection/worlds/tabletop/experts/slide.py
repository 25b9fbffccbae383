"""Scripted expert that strikes an object so that it comes to rest in the goal band."""

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

_GRAVITY = 9.81
STRIKE_HEIGHT = 0.006  # metres
BEHIND = 0.085  # metres between the object's centre and the fingers at the start
_RELEASE_Y = 0.10  # metres; where the object leaves the fingers
_LANE = 0.010  # metres the fingers may be off the object's axis at the start
_LANE_STRIKING = 0.04  # metres; a strike is not corrected on the way
_STRIKING = 0.2  # m/s
_ALIGNED_YAW = 0.1  # radians
_LOW = 0.02  # metres
_STRUCK = 0.01  # metres an object has moved when it was struck
_IMAGINED = 6  # strikes, each half as far from the last as the one before
_IMAGINED_STEPS = 15  # control steps
_RESTS = 0.02  # m/s


def act(world: worlds.World, index: int) -> expert.Command:
    """Go behind the object, down, strike at constant speed and stop.

    An object released with speed v slides v^2 / (2 mu g). The fingers face a box
    squarely: struck on a corner it would spin off.
    """
    if world.puck:
        return _act_fast(world, index)
    position = world.object_positions[index, :2]
    gripper = world.gripper_pose
    hold = np.array([*world.setpoint[:2], STRIKE_HEIGHT])
    low = gripper[2] < _LOW
    stop_y = _RELEASE_Y - world.half_sizes[index, 1] - 0.01
    if low and (gripper[1] > stop_y or position[1] > _RELEASE_Y + 0.03):
        return expert.move_to(world, hold, noise=0.1)
    striking = low and world.gripper_velocity[1] > _STRIKING
    lane = _LANE_STRIKING if striking else _LANE
    lined_up = abs(gripper[0] - position[0]) < lane
    if low and lined_up and gripper[1] < position[1]:
        distance = max(world.goal - _RELEASE_Y, 0.0)
        speed = np.sqrt(2 * world.friction * _GRAVITY * distance)
        strike = hold + np.array([0, speed / worlds.CONTROL_HZ, 0])
        yaw = None if striking else _face(world, index)
        return expert.move_to(world, strike, yaw, noise=0.06)
    return _go_behind(world, index)


def _act_fast(world: worlds.World, index: int) -> expert.Command:
    """Go behind the object, down, and strike within one control step.

    With many hidden dynamics no formula gives the distance that an object will slide:
    the expert simulates it.
    """
    position = world.object_positions[index, :2]
    hold = world.setpoint[:3].copy()
    if np.linalg.norm(position - world.initial_positions[index, :2]) > _STRUCK:
        return expert.move_to(world, hold, noise=0.1)
    if not _is_behind(world, index) or world.gripper_pose[2] > _LOW:
        return _go_behind(world, index)
    low, high = 0.0, min(world.stride, worlds.SETPOINT_HIGH[1] - hold[1])
    imagined = []
    for _ in range(_IMAGINED):
        length = (low + high) / 2
        missed = _imagined_rest(world, index, hold, length) - world.goal
        low, high = (length, high) if missed < 0 else (low, length)
        imagined.append((abs(missed), length))
    # Objects may hop: a longer strike is not always a further one.
    return _strike(world, hold, min(imagined)[1])


def _strike(world: worlds.World, hold: np.ndarray, length: float) -> expert.Command:
    ahead = (hold[0], hold[1] + length, STRIKE_HEIGHT)
    return expert.move_to(world, ahead, noise=0.06, max_step=world.stride)


def _imagined_rest(
    world: worlds.World, index: int, hold: np.ndarray, length: float
) -> float:
    """Return y at which an object would come to rest after a strike, metres."""
    imagined = world.imagine()
    imagined.step(_strike(world, hold, length).action)
    still = np.array([0, 0, 0, 0, expert.CLOSED])
    for _ in range(_IMAGINED_STEPS):
        imagined.step(still)
        if np.abs(imagined.object_velocities[index]).max() < _RESTS:
            break
    return float(imagined.object_positions[index, 1])


def _behind(world: worlds.World, index: int) -> np.ndarray:
    """[2] where the fingers stand before a strike."""
    return world.object_positions[index, :2] - np.array([0, BEHIND])


def _is_behind(world: worlds.World, index: int) -> bool:
    gripper = world.gripper_pose
    turned = abs(gripper[3] - _face(world, index)) > _ALIGNED_YAW
    return not turned and np.linalg.norm(gripper[:2] - _behind(world, index)) <= _LANE


def _go_behind(world: worlds.World, index: int) -> expert.Command:
    behind, yaw = _behind(world, index), _face(world, index)
    if not _is_behind(world, index):
        return expert.move_above(world, behind, yaw)
    return expert.move_to(world, (*behind, STRIKE_HEIGHT), yaw, noise=0.3)


def _face(world: worlds.World, index: int) -> float:
    """Yaw, nearest to zero, at which the fingers face a side of a box squarely."""
    if not world.object_set.props[index].is_box:
        return 0.0
    yaw = world.object_yaw(index)
    return float((yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)
