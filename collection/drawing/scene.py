"""Scene of an episode: shapes with trajectories, drawn as an animation."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from wtl.collection.drawing import annotation, svg
from wtl.collection.drawing.annotation import WIDTH
from wtl.datasets.contract.layout import Layout

INK = (0.15, 0.15, 0.17)
_MOVED = 0.01  # metres
_LIFTED = 0.015  # metres


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """Shape that moves in a scene, or does not.

    Attributes:
      kind: `disc`, `box` or `capsule`.
      position: [T, 3] or [3] centre in metres; the height may be missing.
      size: half extents in metres, of discs (radius, radius).
      rgb: [3] colour in [0, 1].
      yaw: [T] or [] radians, anticlockwise.
      half_height: metres.
      opacity: in [0, 1].
      visible: [T] whether it is there; None for always.
      slot: slot of the entity that it shows; None for others. Entities that move leave
        an outline and a trail.
      shadow: whether it casts a shadow when lifted.
    """

    kind: str
    position: np.ndarray
    size: Sequence[float]
    rgb: Sequence[float]
    yaw: np.ndarray | float = 0.0
    half_height: float = 0.0
    opacity: float = 1.0
    visible: np.ndarray | None = None
    slot: int | None = None
    shadow: bool = False

    @property
    def moves(self) -> bool:
        """Whether its position changes."""
        return self.position.ndim > 1 and np.ptp(self.position, axis=0).max() > _MOVED


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """Drawing of one episode, seen from above and, with `tilt`, from the front.

    Attributes:
      shapes: from back to front.
      path: [T, 3] or [T, 2] positions of the end effector, metres; None to draw none.
      corner: (x, y) of the upper left corner, metres.
      width: metres.
      height: pixels.
      tilt: metres up in the picture per metre of height.
      background: colour.
    """

    shapes: Sequence[Shape]
    path: np.ndarray | None
    corner: tuple[float, float]
    width: float
    height: int = WIDTH
    tilt: float = 0.0
    background: str = "#f3efe7"

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return pixels [..., 2] of positions [..., 3] or [..., 2] in metres."""
        position = np.asarray(position, np.float64)
        up = position[..., 1]
        if position.shape[-1] == 3:
            up = up + self.tilt * position[..., 2]
        left, top = self.corner
        return np.stack([position[..., 0] - left, top - up], axis=-1) * self._scale

    @property
    def _scale(self) -> float:
        return WIDTH / self.width

    def draw(
        self,
        title: str = "",
        target_slot: int | None = None,
        acted_slot: int | None = None,
        clip: svg.Clip | None = None,
    ) -> str:
        """Return an SVG, of the end of the episode where there is no clip.

        The target is ringed, and another entity that was acted on crossed.
        """
        entities = {s.slot: s for s in self.shapes if s.slot is not None}
        moved = [shape for shape in entities.values() if shape.moves]
        marks = []
        if target_slot in entities:
            marks.append((annotation.RING, entities[target_slot]))
        if acted_slot in entities and acted_slot != target_slot:
            marks.append((annotation.CROSS, entities[acted_slot]))
        return annotation.animation(
            title,
            clip,
            self.height,
            svg.element("rect", width=WIDTH, height=self.height, fill=self.background),
            *(self._shape(shape, clip) for shape in self.shapes if not shape.moves),
            *(self._start(shape) for shape in moved),
            *(
                svg.element("g", mark, transform=svg.translate(self._first(shape)))
                for mark, shape in marks
            ),
            *(self._shape(shape, clip) for shape in self.shapes if shape.moves),
            *(
                annotation.trail(self.project(shape.position), _hex(shape.rgb, 0.6))
                for shape in moved
            ),
            "" if self.path is None else annotation.path(self.project(self.path)),
        )

    def weighed(self, weights: Mapping[int, tuple[str, float]]) -> str:
        """Return a still SVG with weights of entities as heat.

        Args:
          weights: label and weight in [0, 1] of entities by slot.
        """
        entities = {s.slot: s for s in self.shapes if s.slot is not None}
        placed = [
            (svg.translate(self._first(entities[slot])), name, weight)
            for slot, (name, weight) in weights.items()
        ]
        return annotation.animation(
            "",
            None,
            self.height,
            svg.element("rect", width=WIDTH, height=self.height, fill=self.background),
            *(
                svg.element("g", annotation.heat(weight), transform=at)
                for at, _, weight in placed
            ),
            *(self._shape(shape, None) for shape in self.shapes),
            *(
                svg.element("g", annotation.label(name), transform=at)
                for at, name, _ in placed
            ),
        )

    def _first(self, shape: Shape) -> np.ndarray:
        return self.project(np.atleast_2d(shape.position)[0, :2])

    def _outline(self, shape: Shape, **attributes) -> str:
        x, y = (half * self._scale for half in shape.size[:2])
        if shape.kind == "disc":
            return svg.element("circle", r=x, **attributes)
        if shape.kind == "capsule":
            attributes["rx"] = min(x, y)
        return svg.element("rect", x=-x, y=-y, width=2 * x, height=2 * y, **attributes)

    def _turns(self, shape: Shape) -> np.ndarray:
        """Return [T] degrees, clockwise as in the picture."""
        return -np.degrees(np.unwrap(np.atleast_1d(shape.yaw)))

    def _start(self, shape: Shape) -> str:
        """Return the outline of an entity where it was at the start."""
        edge = {"fill": "none", "stroke_dasharray": "3 2"}
        outline = self._outline(shape, **edge, stroke=_hex(shape.rgb, 0.6))
        at = svg.translate(self._first(shape))
        turned = svg.number(self._turns(shape)[0])
        return svg.element("g", outline, transform=f"{at} rotate({turned})")

    def _shape(self, shape: Shape, clip: svg.Clip | None) -> str:
        clip = clip if shape.moves else None
        half = shape.half_height * self.tilt * self._scale
        turns = self._turns(shape)

        def level(shift: float, fill: str, stroke: str) -> str:
            outline = self._outline(shape, fill=fill, stroke=stroke)
            turned = svg.moving("rotate", turns, clip, outline)
            return svg.element("g", turned, transform=svg.translate((0, shift)))

        side = _hex(shape.rgb, 0.6)
        # The sides are copies of the outline over each other.
        levels = [level(shift, side, side) for shift in np.arange(half, -half, -2.0)]
        levels.append(level(-half, _hex(shape.rgb), _hex(INK)))
        if clip and shape.visible is not None:
            levels.append(clip.change("opacity", shape.visible, step=True))
        at = np.atleast_2d(self.project(shape.position))
        body = svg.element("g", *levels, opacity=shape.opacity)
        drawn = svg.moving("translate", at, clip, body)
        if not shape.shadow or np.ptp(shape.position[..., 2]) <= _LIFTED:
            return drawn
        rx = float(np.mean(shape.size[:2])) * self._scale
        oval = svg.element(
            "ellipse", rx=rx, ry=0.8 * rx, fill="#000", fill_opacity=".18"
        )
        ground = self.project(shape.position[..., :2])
        return svg.moving("translate", ground, clip, oval) + drawn


def draw(
    states: np.ndarray,
    layout: Layout,
    title: str = "",
    target_slot: int | None = None,
    acted_slot: int | None = None,
    clip: svg.Clip | None = None,
) -> str:
    """Return an SVG of the [T, S] states of an episode; see `Scene.draw`."""
    drawn = layout.drawing.scene(np.asarray(states, np.float64), layout)
    marked = (
        slot if slot is None or not layout.kinds else layout.entity_of(slot)
        for slot in (target_slot, acted_slot)
    )
    return drawn.draw(title, *marked, clip)


def _hex(rgb: Sequence[float], light: float = 1.0) -> str:
    values = np.clip(np.round(np.asarray(rgb) * light * 255), 0, 255).astype(int)
    return "#" + "".join(f"{value:02x}" for value in values)
