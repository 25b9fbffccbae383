"""Views of an episode: its stored images, rendered ones, or a drawing."""

from wtl.collection.drawing import scene, sheet, svg
from wtl.collection.worlds.scene_renderer import ORBIT, ROBOT, WRIST, Viewpoint
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.layout import Layout
from wtl.viewer.index import Index, Row
from wtl.viewer.render_process import RenderProcess

DRAWING = "drawing"
PAUSE_SECONDS = 1.0  # after which a drawing that plays by itself begins again


def views(index: Index, renders: bool) -> list[str]:
    """Return the names of the views of a dataset's episodes, the best first."""
    spec = index.spec
    cameras = index.cameras if renders else ()
    found = {
        fields.IMAGE: spec.observation(fields.IMAGE) is not None,
        ROBOT: ROBOT in cameras,
        ORBIT: ORBIT in cameras,
        **{camera.name: True for camera in spec.cameras},
        WRIST: WRIST in cameras,
        DRAWING: bool(index.layout and index.layout.drawing),
    }
    return [name for name, is_there in found.items() if is_there]


def frames(
    index: Index,
    row: Row,
    renderer: RenderProcess,
    view: str | Viewpoint,
    first: int,
    count: int,
) -> tuple[bytes, str]:
    """Return a sheet of frames and its type, `png` or `jpeg`.

    There are `count` frames from number `first` on, or fewer where the episode ends.
    The view is a step field with images, or a camera to render from.

    Raises:
      UserError: if there is no such view or frame, or no renderer.
      DatasetDamagedError: if the episode is damaged.
    """
    length = row.quality.transitions + 1
    if not (0 <= first < length and 1 <= count <= sheet.FRAMES):
        raise UserError(f"there is no frame {first} of {length}")
    chosen = range(first, min(first + count, length))
    if isinstance(view, Viewpoint):
        if view.camera not in index.cameras:
            raise UserError(f"{index.label} can't be rendered from {view.camera!r}")
        job = index.world.name, index.spec, index.episode(row), chosen, view
        return renderer.render(*job), "jpeg"
    if view not in [camera.name for camera in index.spec.cameras]:
        raise UserError(f"{index.label} has no view {view!r}")
    images = index.episode(row).steps[view]
    return sheet.encode(images[chosen.start : chosen.stop], "png"), "png"


def drawing(
    episode: Episode, layout: Layout, seconds: float, title: str = "", *, failed: bool
) -> str:
    """Return an SVG that plays an episode in `seconds`, from its states.

    The target is marked; the entity acted on instead is crossed out if it `failed`.
    """
    states = episode.steps[fields.STATE]
    acted = None
    if failed:
        acted = int(layout.acted_slots(states[None])[0])
    target = int(episode.metadata[fields.HIDDEN_TARGET])
    clip = svg.Clip(0, seconds, seconds + PAUSE_SECONDS)
    return scene.draw(states, layout, title, target, acted, clip)
