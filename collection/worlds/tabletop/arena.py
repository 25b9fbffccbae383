"""Table with its anchor block and goal band."""

from dm_control import composer, mjcf

ANCHOR_RADIUS = 0.028  # metres
ANCHOR_HALF_HEIGHT = 0.02  # metres
SURFACE = "surface"  # name of the geom of the table
GOAL_HALF_WIDTH = 0.10  # metres; half depth (y) of the band in which slides end
NARROW_HALF_WIDTH = 0.085  # metres, of each of two bands
SECOND_GOAL = "second_goal"  # name of the body of the second band
_GREEN, _BLUE = (0.55, 0.75, 0.55, 1), (0.55, 0.62, 0.80, 1)

TIMESTEP = 0.004  # seconds


def part(name: str) -> mjcf.RootElement:
    """Return an empty model of this name, with the contact parameters of the table."""
    root = mjcf.RootElement(model=name)
    _set_contact_defaults(root)
    return root


def _set_contact_defaults(root: mjcf.RootElement):
    # Attaching one model to another keeps their defaults apart.
    root.default.geom.solref = (0.01, 3)  # overdamped: struck objects don't bounce off
    root.default.geom.friction = (0.8, 0.01, 0.0005)


class Table(composer.Arena):
    """Plane, grey anchor and painted band; the last two move per scene.

    Anchor, band and button bases are mocap bodies: their poses are then part of the
    physics state, from which a scene can be rendered again.
    """

    def _build(self, name: str = "table"):
        super()._build(name)
        root = self._mjcf_root
        root.compiler.angle = "radian"
        root.option.timestep = TIMESTEP
        root.option.integrator = "implicitfast"
        root.option.cone = "elliptic"
        root.option.tolerance = 1e-6
        root.option.iterations = 20
        root.option.ls_iterations = 20
        root.option.impratio = 3
        root.option.flag.eulerdamp = "disable"
        root.size.memory = "4M"
        root.visual.quality.shadowsize = 0
        root.visual.quality.offsamples = 0
        _set_contact_defaults(root)
        self.surface = root.worldbody.add(
            "geom",
            name=SURFACE,
            type="plane",
            size=(0.6, 0.8, 0.1),
            rgba=(0.86, 0.84, 0.80, 1),
        )
        root.worldbody.add(
            "light", pos=(0, -0.4, 1.5), dir=(0, 0.25, -1), castshadow=False
        )
        self.anchor = self._add_mocap("anchor")
        self.anchor.add(
            "geom",
            name="anchor",
            type="cylinder",
            size=(ANCHOR_RADIUS, ANCHOR_HALF_HEIGHT),
            rgba=(0.5, 0.5, 0.5, 1),
        )
        self._add_band("goal", GOAL_HALF_WIDTH, _GREEN)
        root.worldbody.add(
            "camera",
            name="front",
            pos=(0, -0.62, 0.62),
            xyaxes=(1, 0, 0, 0, 0.75, 0.66),
            fovy=58,
        )

    def _add_band(self, name: str, half_width: float, rgba):
        return self._add_mocap(name).add(
            "geom",
            name=f"{name}_band",
            type="box",
            size=(0.4, half_width, 0.0005),
            contype=0,
            conaffinity=0,
            rgba=rgba,
        )

    def add_second_band(self):
        """Add a blue band that moves per scene; both are then narrower."""
        green = self._mjcf_root.find("geom", "goal_band")
        green.size = (0.4, NARROW_HALF_WIDTH, 0.0005)
        self._add_band(SECOND_GOAL, NARROW_HALF_WIDTH, _BLUE)

    def add_clutter(self, name: str):
        """Add a fixed prop that moves per scene, and that `model` reshapes."""
        self._add_mocap(name).add("geom", name=name, type="box", size=(0.02,) * 3)

    def _add_mocap(self, name: str):
        return self._mjcf_root.worldbody.add("body", name=name, mocap=True)

    def attach_button(self, button: composer.Entity):
        """Put a button on a base of its own that moves per scene."""
        model = button.mjcf_model
        base = self._add_mocap(f"{model.model}_base")
        base.add("site", name=f"{model.model}_site").attach(model)
