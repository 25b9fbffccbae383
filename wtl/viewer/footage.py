"""Pictures of an episode: what was stored, rendered again, or drawn."""

from wtl.collection.drawing import scene, svg
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.sampling import inferred_target
from wtl.viewer import rendering, restoration, sheet
from wtl.viewer.index import Index, Row

DRAWING = "drawing"
_PAUSE = 1.0  # seconds after which a drawing that plays by itself begins again


def views(index: Index, studio: rendering.Studio) -> list[str]:
    """Names of the views that a dataset's episodes have, the best first."""
    spec = index.spec
    found = [fields.IMAGE] * (spec.image_pixels > 0)
    kind = restoration.kind_of(spec)
    if kind is not None and not studio.missing:
        found += [rendering.ROBOT, rendering.ORBIT]
    found += [fields.WRIST_IMAGE] * spec.wrist_image
    if kind is not None and not studio.missing and spec.action_size:
        found.append(rendering.WRIST)
    if restoration.layout_of(spec) is not None:
        found.append(DRAWING)
    return found


def frames(
    index: Index,
    row: Row,
    studio: rendering.Studio,
    view: str | rendering.View,
    first: int,
    count: int,
) -> tuple[bytes, str]:
    """Returns a sheet of frames and its kind, `png` or `jpeg`.

    Args:
      index: of the episode's dataset.
      row: the episode.
      studio: renders.
      view: a step field with images, or from where to render.
      first: number of the first frame.
      count: of frames, fewer where the episode ends.

    Raises:
      UserError: if there is no such view or frame, or nothing to render with.
      DatasetDamagedError: if the episode is damaged.
    """
    length = row.quality.transitions + 1
    if not (0 <= first < length and 1 <= count <= sheet.FRAMES):
        raise UserError(f"there is no frame {first} of {length}")
    chosen = range(first, min(first + count, length))
    if isinstance(view, rendering.View):
        kind = restoration.kind_of(index.spec)
        if kind is None:
            raise UserError(f"{index.label} has no physics states of this world")
        episode = index.episode(row)
        job = rendering.Job(
            kind,
            episode.steps[fields.STATE][0],
            episode.steps[fields.PHYSICS_STATE],
            chosen,
            row[fields.SCENE_SEED],
            view,
        )
        return studio.render(job), "jpeg"
    if view not in fields.IMAGE_FIELDS or view not in index.spec.step_arrays():
        raise UserError(f"{index.label} has no view {view!r}")
    images = index.episode(row).steps[view]
    return sheet.encode(images[chosen.start : chosen.stop], "png"), "png"


def drawing(index: Index, row: Row) -> str:
    """Returns an SVG that plays an episode in real time, from its states.

    Raises:
      UserError: if its states are not of this world.
      DatasetDamagedError: if the episode is damaged.
    """
    layout = restoration.layout_of(index.spec)
    if layout is None:
        raise UserError(f"{index.label} has no states of this world")
    states = index.episode(row).steps[fields.STATE]
    crossed = None
    if row[fields.ROLE] != fields.ROLE_DEMO and not row[fields.SUCCESS]:
        crossed = int(inferred_target.acted_slots(states[None], layout)[0])
    seconds = row.quality.seconds
    clip = svg.Clip(0, seconds, seconds + _PAUSE)
    target = int(row[fields.HIDDEN_TARGET])
    return scene.draw(states, layout, "", target, crossed, clip)
