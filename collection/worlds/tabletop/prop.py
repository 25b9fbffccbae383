"""Movable object; its shape, size and colour come from the object set."""

from dm_control import composer

from wtl.collection.worlds.tabletop import arena


class MovableProp(composer.ModelWrapperEntity):
    """Free body with one geom, which `model` reshapes for each object set."""

    def _build(self, name: str):
        root = arena.part(name)
        root.worldbody.add(
            "geom", name="geom", type="box", size=(0.02,) * 3, mass=0.1, condim=4
        )
        super()._build(root)
