"""Scenes restored from stored episodes, without seed or task, and their images."""

import dataclasses
import functools

import mujoco
import numpy as np

from wtl.collection.worlds import scene_renderer
from wtl.collection.worlds.entities import physics
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.scene_renderer import RestorationError, Viewpoint
from wtl.collection.worlds.tabletop import (
    appearance,
    gripper,
    model,
    observation,
    renderer,
)
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError

_MAX_SIZE = 8  # objects in a scene
_SAME_PLACE = 0.005  # metres
_LOOKAT = (0.0, 0.24, 0.24)  # metres; the middle of table and arm
_FOVY = 42.0


@dataclasses.dataclass(frozen=True)
class Form:
    """Form of the scenes of a dataset.

    Attributes:
      size: number of objects, and of buttons.
      body: name of the body that acts, see `SceneConfig.body`.
      layouts: class of the layout of their states.
    """

    size: int
    body: str
    layouts: type[observation.Layout] = observation.Layout


@functools.lru_cache(maxsize=8)
def form_of(
    spec: EpisodeSpec, layouts: type[observation.Layout] = observation.Layout
) -> Form | None:
    """Return the form of a dataset's scenes; None for those of another world."""
    for size in range(1, _MAX_SIZE + 1):
        if layouts(size).state_size != spec.state_size:
            continue
        drawn = object_sets.draw("layout", size, 0)
        for body in model.BODY_NAMES:
            compiled = model.compile_model(drawn, body)
            if mujoco.mj_stateSize(compiled, physics.STATE_SPEC) == spec.physics_size:
                return Form(size, body, layouts)
    return None


@dataclasses.dataclass(frozen=True)
class SceneRenderer:
    """See `wtl.collection.worlds.scene_renderer.SceneRenderer`.

    Attributes:
      layouts: class of the layout of the stored states.
    """

    layouts: type[observation.Layout] = observation.Layout

    def cameras(self, spec: EpisodeSpec) -> tuple[str, ...]:
        """See the interface; a hand has no camera."""
        form = form_of(spec, self.layouts)
        if form is None:
            return ()
        wrist = (scene_renderer.WRIST,) * (form.body != Embodiment.HUMAN)
        return (scene_renderer.ROBOT, scene_renderer.ORBIT, *wrist)

    def render(
        self,
        spec: EpisodeSpec,
        state: np.ndarray,
        physics_states: np.ndarray,
        frames: range,
        scene_seed: int,
        viewpoint: Viewpoint,
        pixels: int,
    ) -> np.ndarray:
        """See the interface."""
        form = form_of(spec, self.layouts)
        if viewpoint.camera not in self.cameras(spec):
            raise UserError(f"there is no camera {viewpoint.camera!r} here")
        compiled = restore(form, state, physics_states[0])
        data = mujoco.MjData(compiled)
        look = appearance.draw(form.body, scene_seed)
        camera = None
        if viewpoint.camera == scene_renderer.ORBIT:
            orbit = appearance.Camera(
                viewpoint.azimuth,
                viewpoint.elevation,
                viewpoint.distance,
                _LOOKAT,
                _FOVY,
            )
            look = dataclasses.replace(look, camera=orbit)
        elif viewpoint.camera == scene_renderer.WRIST:
            camera = f"{model.BODY_NAMES[form.body]}/{gripper.WRIST_CAMERA}"
        is_film = viewpoint.camera == scene_renderer.ORBIT
        shared = renderer.shared(pixels, form.size, is_film)
        images = []
        for frame in frames:
            put(compiled, data, physics_states[frame])
            images.append(shared.render(compiled, data, look, camera=camera))
        return np.stack(images)

    def project(
        self, points: np.ndarray, scene_seed: int, is_human: bool
    ) -> np.ndarray:
        """See the interface."""
        draw = appearance.draw_human if is_human else appearance.draw_robot
        return draw(scene_seed).camera.project(points)


def restore(form: Form, state: np.ndarray, physics_state: np.ndarray) -> mujoco.MjModel:
    """Return a model with the objects that a state shows.

    Observations shuffle objects over slots; the positions in the physics state tell
    which object is in which slot.

    Args:
      form: of the scene.
      state: [S] state at some step.
      physics_state: [P] physics state at the same step.

    Raises:
      RestorationError: if the two do not show the same scene.
    """
    rows = form.layouts(form.size).split(np.asarray(state, np.float64))
    objects, buttons = (
        {name: rows[part][:, at] for name, at in observation.slices(fields).items()}
        for part, fields in (
            ("objects", observation.OBJECT),
            ("buttons", observation.BUTTON),
        )
    )
    blank = model.compile_model(object_sets.draw("layout", form.size, 0), form.body)
    data = mujoco.MjData(blank)
    put(blank, data, physics_state)
    names = range(form.size)
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
    return model.compile_model(drawn, form.body).__copy__()


def put(compiled: mujoco.MjModel, data: mujoco.MjData, physics_state: np.ndarray):
    """Set `data` to a physics state, as far as pictures need it."""
    mujoco.mj_setState(compiled, data, physics_state, physics.STATE_SPEC)
    mujoco.mj_kinematics(compiled, data)
    mujoco.mj_comPos(compiled, data)
    mujoco.mj_camlight(compiled, data)


def _matched(places: np.ndarray, seen: np.ndarray) -> list[int]:
    """Return for each of [n, D] places the row of [n, D] seen ones that is there."""
    distance = np.linalg.norm(places[:, None] - seen[None], axis=-1)
    nearest = distance.argmin(axis=1)
    if len(set(nearest)) < len(places) or distance.min(axis=1).max() > _SAME_PLACE:
        raise RestorationError(
            "the stored physics states do not fit the stored states; they are of "
            "another version of the world and can't be rendered"
        )
    return nearest.tolist()
