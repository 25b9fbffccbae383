"""Shapes in drawings of episodes: those of the tabletop, with two bands."""

import numpy as np

from wtl.collection.drawing.scene import Scene, Shape
from wtl.collection.worlds.tabletop import arena, drawing
from wtl.collection.worlds.tabletop import observation as tabletop
from wtl.collection.worlds.tabletop_rich import observation

_GREEN, _BLUE = (0.82, 0.9, 0.79), (0.79, 0.83, 0.93)


def scene(states: np.ndarray, layout: observation.Layout) -> Scene:
    """Return the scene of an episode; see `tabletop.drawing.scene`."""
    rows = layout.split(states)
    where = observation.slices(observation.FIXTURES)
    fixtures = rows["fixtures"]
    # One band fewer, and buttons of one size.
    known = {
        "gripper": rows["gripper"],
        "objects": rows["objects"],
        "buttons": rows["buttons"][..., : sum(tabletop.BUTTON.values())],
        "fixtures": np.delete(fixtures, where["blue"].start, axis=-1),
    }
    flat = [np.reshape(row, (len(states), -1)) for row in known.values()]
    drawn = drawing.scene(np.concatenate(flat, axis=1), tabletop.Layout(layout.size))
    bands = [
        Shape(
            "box",
            np.array([0.0, fixtures[0, where[name]][0]]),
            (drawn.shapes[0].size[0], arena.NARROW_HALF_WIDTH),
            rgb,
        )
        for name, rgb in (("green", _GREEN), ("blue", _BLUE))
    ]
    drawn.shapes[:1] = bands
    return drawn
