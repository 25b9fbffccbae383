"""A movable object; its shape, size and colour come from the object set."""

from dm_control import composer, mjcf

from wtl.collection.worlds.tabletop import arena


class MovableProp(composer.Entity):
    """A free body with one geom, which `Scene` reshapes for each object set."""

    def _build(self, name: str):
        self._mjcf_root = mjcf.RootElement(model=name)
        arena.set_contact_defaults(self._mjcf_root)
        self._mjcf_root.worldbody.add(
            "geom", name="geom", type="box", size=(0.02,) * 3, mass=0.1, condim=4
        )

    @property
    def mjcf_model(self):
        """The PyMJCF root element of the object."""
        return self._mjcf_root
