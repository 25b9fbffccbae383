"""Worlds put together again from what an episode stored: no seed, no task."""

import dataclasses

import mujoco
import numpy as np

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import model, observation
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError

_MAX_SIZE = 8  # objects in a scene
_SAME_PLACE = 0.005  # metres


class RestorationError(UserError):
    """The physics states are not those of this world."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """Which worlds a dataset's physics states are of.

    Attributes:
      size: number of objects, and of buttons.
      embodiment: the body that acts.
    """

    size: int
    embodiment: Embodiment

    @property
    def layout(self) -> observation.Layout:
        """Layout of the states."""
        return observation.Layout(self.size)


def layout_of(spec: EpisodeSpec) -> observation.Layout | None:
    """Layout of a dataset's states, None if they are not of this world."""
    for size in range(1, _MAX_SIZE + 1):
        layout = observation.Layout(size)
        if layout.state_size == spec.state_size:
            return layout
    return None


def kind_of(spec: EpisodeSpec) -> Kind | None:
    """Which worlds a dataset's physics states are of, None if of others."""
    layout = layout_of(spec)
    if layout is None or not spec.physics_size:
        return None
    drawn = object_sets.draw("layout", layout.size, 0)
    for embodiment in Embodiment:
        compiled = model.compile_model(drawn, embodiment)
        if mujoco.mj_stateSize(compiled, worlds.STATE_SPEC) == spec.physics_size:
            return Kind(layout.size, embodiment)
    return None


def restore(kind: Kind, state: np.ndarray, physics_state: np.ndarray) -> mujoco.MjModel:
    """Returns a model with the objects that a state shows.

    Observations shuffle objects over slots; which is which is told by where they lie
    in the physics state.

    Args:
      kind: of the world.
      state: [S] state at some step.
      physics_state: [P] physics state at the same step.

    Raises:
      RestorationError: if the two do not show the same scene.
    """
    rows = kind.layout.split(np.asarray(state, np.float64))
    objects, buttons = (
        {name: rows[part][:, at] for name, at in observation.slices(fields).items()}
        for part, fields in (
            ("objects", observation.OBJECT),
            ("buttons", observation.BUTTON),
        )
    )
    blank = model.compile_model(
        object_sets.draw("layout", kind.size, 0), kind.embodiment
    )
    data = mujoco.MjData(blank)
    put(blank, data, physics_state)
    names = range(kind.size)
    bodies = [data.body(f"{model.object_name(i)}/").xpos for i in names]
    caps = [data.geom(f"{model.button_name(i)}/cap").xpos for i in names]
    slots = _matched(np.array(bodies), objects["position"])
    # How far a cap is down differs a little between the two.
    places = _matched(np.array(caps)[:, :2], buttons["position"][:, :2])
    props = tuple(
        object_sets.Prop(
            is_box=bool(objects["is_box"][slot, 0] > 0.5),
            half_sizes=tuple(objects["half_sizes"][slot].tolist()),
            mass=0.1,  # not seen
            rgb=tuple(objects["rgb"][slot].tolist()),
        )
        for slot in slots
    )
    caps_rgb = tuple(tuple(buttons["rgb"][place].tolist()) for place in places)
    drawn = object_sets.ObjectSet("restored", props, caps_rgb)
    return model.compile_model(drawn, kind.embodiment).__copy__()


def put(compiled: mujoco.MjModel, data: mujoco.MjData, physics_state: np.ndarray):
    """Puts a physics state into `data`, as far as pictures need it."""
    mujoco.mj_setState(compiled, data, physics_state, worlds.STATE_SPEC)
    mujoco.mj_kinematics(compiled, data)
    mujoco.mj_comPos(compiled, data)
    mujoco.mj_camlight(compiled, data)


def _matched(places: np.ndarray, seen: np.ndarray) -> list[int]:
    """For each of [n, D] places the row of [n, D] seen ones that is there."""
    distance = np.linalg.norm(places[:, None] - seen[None], axis=-1)
    nearest = distance.argmin(axis=1)
    if len(set(nearest)) < len(places) or distance.min(axis=1).max() > _SAME_PLACE:
        raise RestorationError(
            "the stored physics states do not fit the stored states; they are of "
            "another version of the world and can't be rendered"
        )
    return nearest.tolist()
