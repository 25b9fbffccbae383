"""Pictures of episodes from their states: no simulator, GPU or display needed.

The table is seen from above and a little from the front, so that what is lifted
moves up and leaves its shadow behind. A picture shows the end of an episode with the
paths that led there, and plays the episode in a loop where it is given a `Clip`.
"""

import math

import numpy as np

from wtl.collection.drawing import annotation, svg
from wtl.collection.drawing.projection import (
    FAR,
    HEIGHT,
    SCALE,
    TILT,
    WIDTH,
    colour,
    on_table,
    project,
)
from wtl.collection.worlds.tabletop import arena, button, gripper, observation

_TABLE, _BAND, _ANCHOR, _INK = "#f3efe7", "#d2e6ca", "#9a9a9a", "#26262b"
_MOVED = 0.01  # metres
_LIFTED = 0.015  # metres
_TURNED = 0.08  # radians


def draw(
    states: np.ndarray,
    layout: observation.Layout,
    title: str = "",
    target_slot: int | None = None,
    acted_slot: int | None = None,
    clip: svg.Clip | None = None,
) -> str:
    """Returns an SVG of an episode.

    Args:
      states: [T, S] states.
      layout: their layout.
      title: said in the picture, and to people who can't see it.
      target_slot: slot of an object or button to be ringed.
      acted_slot: slot that was acted on; crossed where it is not the target.
      clip: when to play the episode; a still picture by default.
    """
    return _Film(states, layout, clip).draw(title, target_slot, acted_slot)


class _Film:
    """The parts of one picture, from back to front."""

    def __init__(self, states, layout, clip):
        rows = layout.split(np.asarray(states, np.float64))
        self._size = layout.size
        self._clip = clip
        self._gripper = _named(rows["gripper"], observation.GRIPPER)
        self._objects = _named(rows["objects"], observation.OBJECT)
        self._buttons = _named(rows["buttons"], observation.BUTTON)
        self._fixtures = _named(rows["fixtures"], observation.FIXTURES)

    def draw(self, title, target_slot, acted_slot) -> str:
        start = self._objects["position"][0]
        moved = np.linalg.norm(self._objects["position"] - start, axis=-1).max(axis=0)
        # What is further away is drawn first, and what moves last.
        order = sorted(
            range(self._size), key=lambda i: (moved[i] > _MOVED, -start[i, 1])
        )
        parts = [
            svg.element("title", svg.text(title)),
            svg.element("rect", width=WIDTH, height=HEIGHT, fill=_TABLE),
            self._band(),
            *(self._button(i) for i in range(self._size)),
            *(self._ghost(i) for i in range(self._size) if moved[i] > _MOVED),
            self._marks(target_slot, acted_slot),
            self._anchor(),
            *(self._object(i, moved[i] > _MOVED) for i in order),
            *(self._trail(i) for i in range(self._size) if moved[i] > _MOVED),
            annotation.path(project(self._gripper["position"])),
            self._hand(),
            annotation.title(title) if title else "",
            annotation.progress(self._clip, HEIGHT) if self._clip else "",
        ]
        return svg.element(
            "svg",
            *parts,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            width=WIDTH,
            height=HEIGHT,
            role="img",
            class_="film",
            font_family="system-ui,sans-serif",
        )

    def _move(self, kind: str, values: np.ndarray) -> str:
        return self._clip.move(kind, values) if self._clip else ""

    def _change(self, attribute: str, values, step=False) -> str:
        return self._clip.change(attribute, values, step) if self._clip else ""

    def _band(self) -> str:
        middle = self._fixtures["goal"][0, 0]
        top = (FAR - middle - arena.GOAL_HALF_WIDTH) * SCALE
        return svg.element(
            "rect",
            x=-2,
            y=top,
            width=WIDTH + 4,
            height=2 * arena.GOAL_HALF_WIDTH * SCALE,
            fill=_BAND,
            stroke="#6fa562",
            stroke_dasharray="4 3",
        )

    def _anchor(self) -> str:
        at = project(self._fixtures["anchor"][0])
        radius = arena.ANCHOR_RADIUS * SCALE
        half = arena.ANCHOR_HALF_HEIGHT * TILT * SCALE
        disc = svg.element("circle", r=radius, fill="#6f6f6f", stroke="#6f6f6f")
        return svg.element(
            "g",
            *_stacked(disc, half),
            svg.element("circle", cy=-half, r=radius, fill=_ANCHOR, stroke=_INK),
            transform=svg.translate(at),
        )

    def _button(self, i: int) -> str:
        position = self._buttons["position"][0, i]
        travel = self._buttons["travel"][:, i, 0].clip(min=0)
        rgb = self._buttons["rgb"][0, i]
        radius = button.RADIUS * SCALE
        pressed = travel > button.PRESSED_TRAVEL
        rise = 6.0  # pixels; exaggerated, to be seen
        lift = np.stack(
            [np.zeros(len(travel)), -rise * (1 - travel / button.TRAVEL)], axis=1
        )
        used = bool(pressed.any())
        shift = np.array([0.0, 0.0]) if used else lift[0]
        cap = svg.element(
            "g",
            svg.element("circle", r=radius, fill=colour(rgb), stroke=_INK),
            *(
                svg.element(
                    "circle",
                    self._change("opacity", pressed.astype(float), step=True),
                    r=radius,
                    fill="#000",
                    fill_opacity=".45",
                    stroke="#fff",
                    stroke_width="1.5",
                )
                for _ in range(used)
            ),
            self._move("translate", lift) if used else "",
            transform=svg.translate(shift),
        )
        return svg.element(
            "g",
            svg.element("circle", r=radius + 2, fill=colour(rgb, 0.55), stroke=_INK),
            cap,
            transform=svg.translate(project(on_table(position))),
        )

    def _outline(self, i: int, **attributes) -> str:
        x, y, _ = self._objects["half_sizes"][0, i] * SCALE
        if self._objects["is_box"][0, i, 0] > 0.5:
            return svg.element(
                "rect", x=-x, y=-y, width=2 * x, height=2 * y, **attributes
            )
        return svg.element("circle", r=x, **attributes)

    def _turns(self, i: int) -> np.ndarray:
        """[T] degrees, clockwise in the picture."""
        sine, cosine = np.moveaxis(self._objects["sin_cos_yaw"][:, i], -1, 0)
        return -np.degrees(np.unwrap(np.arctan2(sine, cosine)))

    def _object(self, i: int, moves: bool) -> str:
        position = self._objects["position"][:, i]
        rgb = self._objects["rgb"][0, i]
        turns = self._turns(i)
        turning = moves and np.ptp(turns) > math.degrees(_TURNED)
        half = self._objects["half_sizes"][0, i, 2] * TILT * SCALE
        turned = f"rotate({svg.number(turns[-1])})"
        side = colour(rgb, 0.6)

        def level(fill: str, stroke: str) -> str:
            return svg.element(
                "g",
                self._outline(i, fill=fill, stroke=stroke),
                self._move("rotate", turns) if turning else "",
                transform=turned,
            )

        at = project(position)
        body = svg.element(
            "g",
            *_stacked(level(side, side), half),
            svg.element(
                "g", level(colour(rgb), _INK), transform=svg.translate((0, -half))
            ),
            self._move("translate", at) if moves else "",
            transform=svg.translate(at[-1]),
        )
        if position[:, 2].max() - position[0, 2] < _LIFTED:
            return body
        radius = float(self._objects["half_sizes"][0, i, :2].mean())
        return self._shadow(position, radius) + body

    def _shadow(self, position: np.ndarray, radius: float) -> str:
        at = project(on_table(position))
        return svg.element(
            "ellipse",
            self._move("translate", at),
            rx=radius * SCALE,
            ry=radius * SCALE * 0.8,
            fill="#000",
            fill_opacity=".18",
            transform=svg.translate(at[-1]),
        )

    def _ghost(self, i: int) -> str:
        at = project(on_table(self._objects["position"][0, i]))
        edge = colour(self._objects["rgb"][0, i], 0.6)
        return svg.element(
            "g",
            self._outline(i, fill="none", stroke=edge, stroke_dasharray="3 2"),
            transform=f"{svg.translate(at)} rotate({svg.number(self._turns(i)[0])})",
        )

    def _hand(self) -> str:
        at = project(self._gripper["position"])
        sine, cosine = np.moveaxis(self._gripper["sin_cos_yaw"], -1, 0)
        turns = -np.degrees(np.unwrap(np.arctan2(sine, cosine)))
        opening = self._gripper["gap"][:, 0] / 2 * SCALE
        thick, wide = (2 * half * SCALE for half in gripper.PAD_HALF_SIZES[:2])
        parts = [
            svg.element(
                "rect",
                x=-0.055 * SCALE,
                y=-wide / 2,
                width=0.11 * SCALE,
                height=wide,
                rx=3,
                fill=_INK,
                fill_opacity=".28",
                stroke=_INK,
            )
        ]
        for side in (-1, 1):
            shifts = np.stack([side * opening, np.zeros(len(opening))], axis=1)
            parts.append(
                svg.element(
                    "rect",
                    self._move("translate", shifts),
                    x=0 if side > 0 else -thick,
                    y=-wide / 2,
                    width=thick,
                    height=wide,
                    fill=_INK,
                    transform=svg.translate(shifts[-1]),
                )
            )
        turned = svg.element(
            "g",
            *parts,
            self._move("rotate", turns),
            transform=f"rotate({svg.number(turns[-1])})",
        )
        return self._shadow(self._gripper["position"], 0.03) + svg.element(
            "g",
            turned,
            self._move("translate", at),
            transform=svg.translate(at[-1]),
        )

    def _start(self, slot: int) -> np.ndarray:
        """Where an object or button is at the start, in pixels."""
        if slot < self._size:
            return project(on_table(self._objects["position"][0, slot]))
        position = self._buttons["position"][0, slot - self._size]
        return project(on_table(position))

    def _trail(self, i: int) -> str:
        way = project(self._objects["position"][:, i])
        return annotation.trail(way, colour(self._objects["rgb"][0, i], 0.6))

    def _marks(self, target_slot: int | None, acted_slot: int | None) -> str:
        parts = []
        if target_slot is not None and target_slot >= 0:
            parts.append(annotation.ring(self._start(target_slot)))
        wrong = acted_slot is not None and acted_slot >= 0
        if wrong and acted_slot != target_slot:
            parts.append(annotation.cross(self._start(acted_slot)))
        return "".join(parts)


def _named(rows: np.ndarray, fields: dict[str, int]) -> dict[str, np.ndarray]:
    return {
        name: rows[..., place] for name, place in observation.slices(fields).items()
    }


def _stacked(disc: str, half: float) -> list[str]:
    """The sides of something upright: copies of its outline over each other."""
    return [
        svg.element("g", disc, transform=svg.translate((0, shift)))
        for shift in np.arange(half, -half, -2.0)
    ]
