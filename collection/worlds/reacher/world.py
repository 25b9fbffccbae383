"""Physics of one scene with the arm."""

import functools

import mujoco
import numpy as np
from dm_control import composer

from wtl.collection.worlds.entities.physics import Physics
from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.reacher import scene as scenes
from wtl.collection.worlds.reacher import target_set as target_sets

CONTROL_HZ = 50.0
_SUBSTEPS = 4
TARGET_RADIUS = 0.02  # metres


def target_name(index: int) -> str:
    """Name of the target with this canonical index in the model."""
    return f"target_{index}"


@functools.lru_cache(maxsize=256)
def compile_model(targets: target_sets.TargetSet) -> mujoco.MjModel:
    """Return the model of arm and targets; it is shared, so copy it to change it.

    Targets are mocap bodies: their places are then part of the physics state.
    """
    table = composer.Arena("table")
    root = table.mjcf_model
    root.compiler.angle = "radian"
    root.option.timestep = 1 / CONTROL_HZ / _SUBSTEPS
    root.option.integrator = "implicitfast"
    root.option.gravity = (0, 0, 0)
    root.worldbody.add("light", pos=(0, 0, 1.5), dir=(0, 0, -1), castshadow=False)
    root.worldbody.add("camera", name="above", pos=(0, 0, 0.7), fovy=45)
    table.attach(arm.Arm())
    for i, rgb in enumerate(targets.rgbs):
        root.worldbody.add("body", name=target_name(i), mocap=True).add(
            "geom",
            name=target_name(i),
            type="cylinder",
            size=(TARGET_RADIUS, 0.001),
            contype=0,
            conaffinity=0,
            rgba=(*rgb, 1),
        )
    return mujoco.MjModel.from_xml_string(root.to_xml_string())


class World(Physics):
    """Arm in a horizontal plane, reset into scenes and stepped at 50 Hz.

    Everything indexed by target is in canonical order. Positions are in metres, angles
    in radians, velocities per second.
    """

    def __init__(self):
        self.object_set: target_sets.TargetSet | None = None
        self.scene: scenes.Scene | None = None

    def reset(self, object_set: target_sets.TargetSet, scene: scenes.Scene):
        """Put the targets of a set, and the arm at rest, into a scene."""
        if object_set != self.object_set:
            self.model = compile_model(object_set)
            self.data = mujoco.MjData(self.model)
            self.object_set = object_set
            self._tip = self.model.site(f"arm/{arm.TIP}").id
        else:
            mujoco.mj_resetData(self.model, self.data)
        self.scene = scene
        self.data.qpos[:] = scene.joints
        self.data.mocap_pos[:, :2] = scene.positions
        mujoco.mj_forward(self.model, self.data)

    def step(self, action: np.ndarray):
        """Advance the physics by one control step (0.02 s).

        Args:
          action: [2] torques of shoulder and elbow in [-1, 1], in units of
            `arm.TORQUES`.
        """
        self.data.ctrl[:] = np.clip(action, -1.0, 1.0)
        mujoco.mj_step(self.model, self.data, _SUBSTEPS)
        mujoco.mj_forward(self.model, self.data)

    def torques(self, acceleration: np.ndarray) -> np.ndarray:
        """[2] torques in Nm that give the joints an acceleration [2], rad/s²."""
        inertia = np.empty_like(acceleration)
        mujoco.mj_mulM(self.model, self.data, inertia, acceleration)
        return inertia + self.data.qfrc_bias - self.data.qfrc_passive

    @property
    def joints(self) -> np.ndarray:
        """[2] angles of shoulder and elbow."""
        return self.data.qpos

    @property
    def joint_velocities(self) -> np.ndarray:
        """[2] angular velocities of shoulder and elbow."""
        return self.data.qvel

    @property
    def tip(self) -> np.ndarray:
        """[2] x, y of the fingertip."""
        return self.data.site_xpos[self._tip, :2]

    @property
    def targets(self) -> np.ndarray:
        """[n, 2] x, y of the targets."""
        return self.scene.positions

    @property
    def distances(self) -> np.ndarray:
        """[n] from the fingertip to the middle of each target."""
        return np.linalg.norm(self.targets - self.tip, axis=1)
