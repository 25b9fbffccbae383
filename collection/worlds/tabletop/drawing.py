"""Shapes of the tabletop world in drawings of episodes."""

import numpy as np

from wtl.collection.drawing.annotation import HEIGHT
from wtl.collection.drawing.scene import INK, Scene, Shape
from wtl.collection.worlds.tabletop import arena, button, gripper, observation

_BAND, _ANCHOR = (0.82, 0.9, 0.79), (0.6, 0.6, 0.6)
_HALF_WIDTH, _BESIDE = 0.35, 0.08  # metres; drawn, and beside the outermost object
_EDGE = 0.01  # metres; of the band, out of the picture
_NEAREST = -1.0  # metres; y of what is in view is larger
_CAP = 0.042  # metres above the table; exaggerated, so that pressing is visible


def scene(states: np.ndarray, layout: observation.Layout) -> Scene:
    """Return the scene of an episode.

    Args:
      states: [T, S] states.
      layout: their layout.
    """
    rows = layout.split(states)
    hand = _named(rows["gripper"], observation.GRIPPER)
    fixtures = _named(rows["fixtures"][0], observation.FIXTURES)
    band = np.array([0.0, fixtures["goal"][0]])
    radius = (arena.ANCHOR_RADIUS,) * 2
    half = _half_width(_named(rows["objects"][0], observation.OBJECT)["position"])
    return Scene(
        [
            Shape("box", band, (half + _EDGE, arena.GOAL_HALF_WIDTH), _BAND),
            *_buttons(rows["buttons"]),
            Shape(
                "disc", fixtures["anchor"], radius, _ANCHOR, 0, arena.ANCHOR_HALF_HEIGHT
            ),
            *_objects(rows["objects"], layout.size),
            *_hand(hand),
        ],
        path=hand["position"],
        corner=(-half, 0.6),
        width=2 * half,
        height=HEIGHT,
        tilt=0.45,
    )


def _half_width(position: np.ndarray) -> float:
    """Return half the drawn width, metres, given first positions [n, 3] of objects.

    Positions of damaged episodes may not be finite.
    """
    x = position[position[:, 1] > _NEAREST, 0]
    return max(_HALF_WIDTH, np.abs(x).max(initial=0.0) + _BESIDE)


def _objects(rows: np.ndarray, size: int) -> list[Shape]:
    """Return the objects, the farthest first, by slot."""
    named = _named(rows, observation.OBJECT)
    return [
        Shape(
            "box" if named["is_box"][0, i, 0] > 0.5 else "disc",
            named["position"][:, i],
            named["half_sizes"][0, i, :2],
            named["rgb"][0, i],
            _yaw(named["sin_cos_yaw"][:, i]),
            half_height=named["half_sizes"][0, i, 2],
            slot=i,
            shadow=True,
        )
        for i in sorted(range(size), key=lambda i: -named["position"][0, i, 1])
    ]


def _buttons(rows: np.ndarray) -> list[Shape]:
    """Return base, cap and, once pressed, a dark cover of each button."""
    named = _named(rows, observation.BUTTON)
    size = named["rgb"].shape[1]
    shapes = []
    for i in range(size):
        ground = named["position"][0, i, :2]
        travel = named["travel"][:, i, 0].clip(min=0)
        cap = np.insert(np.tile(ground, (len(travel), 1)), 2, 0.0, axis=1)
        cap[:, 2] = _CAP * (1 - travel / button.TRAVEL)
        pressed = travel > button.PRESSED_TRAVEL
        rgb, radius = named["rgb"][0, i], button.RADIUS
        base = (radius + 0.006,) * 2
        shapes.append(Shape("disc", ground, base, 0.55 * rgb, slot=size + i))
        shapes.append(Shape("disc", cap, (radius, radius), rgb))
        if pressed.any():
            cover = {"opacity": 0.45, "visible": pressed}
            shapes.append(Shape("disc", cap, (radius, radius), (0, 0, 0), **cover))
    return shapes


def _hand(hand: dict[str, np.ndarray]) -> list[Shape]:
    """Return palm and fingers."""
    yaw = _yaw(hand["sin_cos_yaw"])
    thick, wide = gripper.PAD_HALF_SIZES[:2]
    aside = np.stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))], axis=1)
    shift = (hand["gap"] / 2 + thick) * aside
    at = hand["position"]
    return [
        Shape("box", at, (0.055, wide), INK, yaw, opacity=0.3, shadow=True),
        *(Shape("box", at + s, (thick, wide), INK, yaw) for s in (-shift, shift)),
    ]


def _yaw(sin_cos: np.ndarray) -> np.ndarray:
    return np.unwrap(np.arctan2(sin_cos[:, 0], sin_cos[:, 1]))


def _named(rows: np.ndarray, fields: dict[str, int]) -> dict[str, np.ndarray]:
    places = observation.slices(fields)
    return {name: rows[..., place] for name, place in places.items()}
