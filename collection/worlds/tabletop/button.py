"""Spring-loaded push button."""

from dm_control import composer

from wtl.collection.worlds.tabletop import arena

RADIUS = 0.022  # metres
HALF_HEIGHT = 0.008  # metres
CENTRE_HEIGHT = 0.02  # metres above the table when released
TRAVEL = 0.016  # metres
PRESSED_TRAVEL = 0.010  # metres; further down than this counts as pressed


class Button(composer.ModelWrapperEntity):
    """Cap on a vertical spring over a base that is placed per scene."""

    def _build(self, name: str):
        root = arena.part(name)
        cap = root.worldbody.add("body", name="cap", pos=(0, 0, 0))
        cap.add(
            "joint",
            name="spring",
            type="slide",
            axis=(0, 0, 1),
            range=(-TRAVEL, 0),
            limited=True,
            stiffness=80,
            damping=2,
            armature=0.01,
        )
        cap.add(
            "geom", name="cap", type="cylinder", size=(RADIUS, HALF_HEIGHT), mass=0.02
        )
        super()._build(root)
