"""Pictures of the reacher from its states, seen from above.

A picture shows the end of an episode with the way of the fingertip that led there, and
plays the episode in a loop where it is given a `Clip`.
"""

import numpy as np

from wtl.collection.drawing import annotation, svg
from wtl.collection.drawing.projection import WIDTH, colour
from wtl.collection.worlds.reacher import arm, observation, world
from wtl.datasets.contract.layout import slices

_HEIGHT = WIDTH
_SCALE = WIDTH / (2.1 * arm.REACH)  # pixels per metre
_PAPER, _INK, _REACH = "#f3efe7", "#26262b", "#e6dfd2"
_THICK = 0.02  # metres


def draw(
    states: np.ndarray,
    layout: observation.Layout,
    title: str = "",
    target_slot: int | None = None,
    acted_slot: int | None = None,
    clip: svg.Clip | None = None,
) -> str:
    """Returns an SVG of an episode; see `wtl.evaluation.picture.draw`."""
    rows = layout.split(np.asarray(states, np.float64))
    where = slices(observation.ARM)
    joints = np.arctan2(
        rows["arm"][:, where["sin_joints"]], rows["arm"][:, where["cos_joints"]]
    )
    tip = rows["arm"][:, where["tip"]]
    targets = rows["targets"][0]
    fields = slices(observation.TARGET)
    at = _project(targets[:, fields["position"]])
    marks = []
    if target_slot is not None and target_slot >= 0:
        marks.append(annotation.ring(at[target_slot]))
    wrong = acted_slot is not None and acted_slot >= 0
    if wrong and acted_slot != target_slot:
        marks.append(annotation.cross(at[acted_slot]))
    base = _project(np.zeros(2))
    return svg.element(
        "svg",
        svg.element("title", svg.text(title)),
        svg.element("rect", width=WIDTH, height=_HEIGHT, fill=_PAPER),
        svg.element(
            "circle", cx=base[0], cy=base[1], r=arm.REACH * _SCALE, fill=_REACH
        ),
        *(
            svg.element(
                "circle",
                cx=x,
                cy=y,
                r=world.TARGET_RADIUS * _SCALE,
                fill=colour(rgb),
                stroke=_INK,
            )
            for (x, y), rgb in zip(at, targets[:, fields["rgb"]], strict=True)
        ),
        _arm(np.unwrap(joints, axis=0), clip),
        *marks,
        annotation.path(_project(tip)),
        annotation.title(title) if title else "",
        annotation.progress(clip, _HEIGHT) if clip else "",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {_HEIGHT}",
        width=WIDTH,
        height=_HEIGHT,
        role="img",
        class_="film",
        font_family="system-ui,sans-serif",
    )


def _project(position: np.ndarray) -> np.ndarray:
    """[..., 2] metres to [..., 2] pixels; the base is in the middle."""
    return np.array([WIDTH, _HEIGHT]) / 2 + position * (_SCALE, -_SCALE)


def _arm(joints: np.ndarray, clip: svg.Clip | None) -> str:
    """Upper arm and forearm; the forearm turns with what carries it.

    Args:
      joints: [T, 2] angles, radians.
      clip: when to move.
    """
    degrees = -np.degrees(joints)  # clockwise in the picture
    length, thick = arm.LINK * _SCALE, _THICK * _SCALE
    inner = ""
    for i in (1, 0):
        link = svg.element(
            "line",
            x2=0,
            y2=-length,
            stroke=_INK,
            stroke_opacity=".7",
            stroke_width=thick,
            stroke_linecap="round",
        )
        turning = svg.element(
            "g",
            link,
            inner,
            clip.move("rotate", degrees[:, i]) if clip else "",
            transform=f"rotate({svg.number(degrees[-1, i])})",
        )
        shift = (0, -length) if i else _project(np.zeros(2))
        inner = svg.element("g", turning, transform=svg.translate(shift))
    return inner
