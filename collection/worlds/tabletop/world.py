"""The physics of one scene, stepped below dm_control's observation buffers."""

import functools

import mujoco
import numpy as np

from wtl.collection.worlds.entities.physics import Physics
from wtl.collection.worlds.tabletop import arena, button, gripper, model
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop.puck import Puck

CONTROL_HZ = 10.0
CHUNKS = 5  # linear ramp of the setpoint within a control step
SUBSTEPS_PER_CHUNK = round(1 / CONTROL_HZ / arena.TIMESTEP / CHUNKS)
CHUNK_SECONDS = 1 / CONTROL_HZ / CHUNKS

AXES = (*gripper.ARM_JOINTS, "finger")  # dimensions of the action
ACTION_SIZE = len(AXES)
TRANSLATION_STEP = 0.08  # metres per control step at action 1
YAW_STEP = 0.5  # radians per control step at action 1
ARM_SCALE = np.array([TRANSLATION_STEP] * 3 + [YAW_STEP])
# Of the setpoint; x of object sets that are spread wider is limited by their `reach`.
SETPOINT_LOW = np.array([-0.30, -0.32, 0.004, -1.6])
SETPOINT_HIGH = np.array([0.30, 0.22, 0.25, 1.6])
_MAX_LEAD = 0.1  # metres the setpoint may run ahead of the gripper

# Of the pair friction (two tangential, torsional, two rolling) the hidden dynamics set
# the first three; slippery objects also spin freely.
_CONTACT, _ROLLING_CONTACT = 4, 6  # dimensions of contact, without and with rolling
_SLIPPERY = 0.2
_SLIPPERY_TORSION = 5e-4


class _Addresses:
    """Addresses of the parts of a model of `size` objects in MuJoCo's arrays."""

    def __init__(self, compiled: mujoco.MjModel, size: int, body: str):
        def qpos(names):
            return np.array([compiled.joint(name).qposadr[0] for name in names])

        def dof(names):
            return np.array([compiled.joint(name).dofadr[0] for name in names])

        name = model.BODY_NAMES[body]
        self.body = model.CONTROLS[body](compiled, name)
        fingers = [f"{name}/{finger}" for finger in gripper.FINGERS]
        objects = [f"{model.object_name(i)}/" for i in range(size)]
        buttons = [f"{model.button_name(i)}/spring" for i in range(size)]
        self.finger_qpos = qpos(fingers)
        self.object_qpos = qpos(objects)
        self.object_velocity = dof(objects)[:, None] + np.arange(3)
        self.object_body = np.array([compiled.body(name).id for name in objects])
        self.button_qpos = qpos(buttons)
        bases = [f"{model.button_name(i)}_base" for i in range(size)]
        self.button_mocap = np.array([compiled.body(b).mocapid[0] for b in bases])
        self.anchor_mocap = compiled.body("anchor").mocapid[0]
        self.goal_mocap = compiled.body("goal").mocapid[0]
        self.pairs = np.array(
            [compiled.pair(model.object_name(i)).id for i in range(size)]
        )


@functools.lru_cache(maxsize=8)
def _addresses(size: int, body: str) -> _Addresses:
    # Shapes differ between object sets, the layout of the arrays does not.
    compiled = model.compile_model(object_sets.draw("layout", size, 0), body)
    return _Addresses(compiled, size, body)


class World(Physics):
    """Table with a robot or a hand, reset into scenes and stepped at 10 Hz.

    Everything indexed by object or button is in canonical order. Positions are in
    metres, angles in radians, velocities in metres per second.
    """

    def __init__(self):
        self.object_set: object_sets.ObjectSet | None = None
        self.body = ""
        self.scene: scenes.Scene | None = None

    def reset(
        self,
        object_set: object_sets.ObjectSet,
        friction: float,
        scene: scenes.Scene,
        body: str = model.ROBOTS[0],
        puck: Puck | None = None,
    ):
        """Put the objects of a set into a scene.

        Args:
          object_set: the model is compiled anew only if this or the body changes.
          friction: sliding friction between objects and table.
          scene: initial poses.
          body: name of the body that acts, see `SceneConfig.body`; properties named
            after the gripper are its.
          puck: the rest of the hidden dynamics, where all of them are drawn.
        """
        if (object_set, body) != (self.object_set, self.body):
            self.model = model.compile_model(object_set, body).__copy__()
            self.data = mujoco.MjData(self.model)
            self.object_set = object_set
            self.body = body
            self._at = _addresses(object_set.size, body)
            props = object_set.props
            self.half_sizes = np.array([p.half_sizes for p in props])
            # Colour, half sizes and whether it is a box, [n, 7].
            self.attributes = np.array(
                [(*p.rgb, *p.half_sizes, p.is_box) for p in props], np.float64
            )
            self.button_rgbs = np.array(object_set.button_rgbs)
        else:
            mujoco.mj_resetData(self.model, self.data)
        self.scene = scene
        self.goal = scene.goal
        self.first_pressed: int | None = None
        self.friction = friction
        self.puck = puck
        self.stride = puck.stride if puck else TRANSLATION_STEP
        self._set_friction(friction)
        self._place(scene)
        mujoco.mj_forward(self.model, self.data)
        self.initial_positions = self.object_positions.copy()

    def _set_friction(self, friction: float):
        pair_friction = np.array(model.PAIR_FRICTION)
        pair_friction[:2] = friction
        if friction < _SLIPPERY:
            pair_friction[2] = _SLIPPERY_TORSION
        dimensions = _CONTACT
        if self.puck:
            # The first tangent of a contact with the floor is along y.
            pair_friction[:2] = self.puck.friction[::-1]
            pair_friction[2], pair_friction[3:] = self.puck.torsional, self.puck.rolling
            dimensions = _ROLLING_CONTACT
        self.model.pair_friction[self._at.pairs] = pair_friction
        self.model.pair_dim[self._at.pairs] = dimensions

    def _place(self, scene: scenes.Scene):
        at, data = self._at, self.data
        for i, (x, y, yaw) in enumerate(scene.object_poses):
            address = at.object_qpos[i]
            data.qpos[address : address + 7] = (
                *(x, y, self.half_sizes[i, 2]),
                *(np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)),
            )
        data.mocap_pos[at.button_mocap, :2] = scene.button_positions
        data.mocap_pos[at.button_mocap, 2] = button.CENTRE_HEIGHT
        data.mocap_pos[at.anchor_mocap] = (*scene.anchor, arena.ANCHOR_HALF_HEIGHT)
        data.mocap_pos[at.goal_mocap] = (0, scene.goal, 0)
        self.setpoint = np.array(scene.gripper)
        self.finger_command = 1.0
        self._control = np.concatenate([self.setpoint, (gripper.FINGER_CLOSED,) * 2])
        at.body.place(data, self._control)

    def step(self, action: np.ndarray):
        """Advance the physics by one control step (0.1 s).

        Args:
          action: [5] in [-1, 1]: changes of the x, y, z and yaw setpoints in units of
            `stride` (0.08 m) and 0.5 rad, and the finger, from open (-1) to closed (1).
        """
        data = self.data
        action = np.minimum(np.maximum(action, -1.0), 1.0)
        opened, closed = gripper.FINGER_OPEN, gripper.FINGER_CLOSED
        opening = closed + (opened - closed) * (1 - action[-1]) / 2
        target = np.concatenate([self._change(action[:-1]), (opening, opening)])
        increment = (target - self._control) / CHUNKS
        for _ in range(CHUNKS):
            self._control = self._control + increment
            self._drive()
            mujoco.mj_step(self.model, data, SUBSTEPS_PER_CHUNK)
            if self.first_pressed is None:
                travel = self.button_travel
                if travel.max() > button.PRESSED_TRAVEL:
                    self.first_pressed = int(travel.argmax())
        self._control = target
        self.finger_command = float(action[-1])
        # Positions of bodies lag the joints by one substep until they are recomputed.
        mujoco.mj_kinematics(self.model, data)

    def _change(self, action: np.ndarray) -> np.ndarray:
        """Change the setpoint by an action without its finger; return the control."""
        scale = np.array([self.stride] * 3 + [YAW_STEP])
        setpoint = self.setpoint + action * scale
        position = self.gripper_pose
        most = max(self.stride, _MAX_LEAD)
        lead = np.minimum(np.maximum(setpoint - position, -most), most)
        setpoint[:3] = (position + lead)[:3]
        reach = self.object_set.reach
        low, high = (-reach, *SETPOINT_LOW[1:]), (reach, *SETPOINT_HIGH[1:])
        setpoint = np.minimum(np.maximum(setpoint, low), high)
        self.setpoint = setpoint
        return setpoint

    def _drive(self):
        """Command the control, which is to be reached by the end of a chunk."""
        self._at.body.drive(self.data, self._control, CHUNK_SECONDS)

    @property
    def gripper_pose(self) -> np.ndarray:
        """[4] x, y, z of the finger tips and yaw."""
        return self._at.body.pose(self.data)

    def tip_of(self, data: mujoco.MjData) -> np.ndarray:
        """[3] x, y, z of the finger tips in another state of this world."""
        return self._at.body.pose(data)[:3]

    @property
    def gripper_velocity(self) -> np.ndarray:
        """[3] linear velocity."""
        return self._at.body.velocity(self.model, self.data)

    @property
    def finger_gap(self) -> float:
        """Distance between the finger pads."""
        return float(self.data.qpos[self._at.finger_qpos].sum())

    @property
    def object_positions(self) -> np.ndarray:
        """[n, 3] centres."""
        return self.data.xpos[self._at.object_body]

    @property
    def object_rotations(self) -> np.ndarray:
        """[n, 3, 3] rotation matrices."""
        return self.data.xmat[self._at.object_body].reshape(-1, 3, 3)

    def object_yaw(self, index: int) -> float:
        """Yaw of an object, radians."""
        rotation = self.object_rotations[index]
        return np.arctan2(rotation[1, 0], rotation[0, 0])

    @property
    def object_velocities(self) -> np.ndarray:
        """[n, 3] linear velocities."""
        return self.data.qvel[self._at.object_velocity]

    @property
    def button_positions(self) -> np.ndarray:
        """[n, 3] centres of the caps."""
        positions = self.data.mocap_pos[self._at.button_mocap].copy()
        positions[:, 2] -= self.button_travel
        return positions

    @property
    def button_travel(self) -> np.ndarray:
        """[n] travel of each button, metres; 0 where released."""
        return -self.data.qpos[self._at.button_qpos]

    @property
    def anchor_position(self) -> np.ndarray:
        """[3] centre of the anchor."""
        return self.data.mocap_pos[self._at.anchor_mocap]

    @property
    def footprints(self) -> np.ndarray:
        """[n] mean horizontal half size of each object, metres."""
        return self.half_sizes[:, :2].mean(axis=1)

    def displaced(self, index: int) -> np.ndarray:
        """[n - 1] distances by which all other objects have moved, metres."""
        moved = np.linalg.norm(self.object_positions - self.initial_positions, axis=1)
        return np.delete(moved, index)
