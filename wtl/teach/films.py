"""Films of episodes for the page: rendered frames, stored images or a drawing."""

from collections.abc import Callable

from wtl.collection.drawing import sheet
from wtl.collection.worlds.scene_renderer import ORBIT, Viewpoint
from wtl.collection.worlds.world import World
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.layout import Layout
from wtl.viewer import episode_views
from wtl.viewer.render_process import RenderingError, RenderProcess

_PIXELS = 480  # height and width of rendered frames


class Films:
    """Makes films of the episodes of one world."""

    def __init__(
        self,
        world: World,
        layout: Layout,
        spec_of: Callable[[str], EpisodeSpec],
        renderer: RenderProcess,
    ):
        """Make films of episodes whose spec is that of their dataset's name."""
        self._world = world
        self._layout = layout
        self._spec_of = spec_of
        self._renderer = renderer

    def make(self, episode: Episode, dataset: str) -> tuple[bytes, str]:
        """Return a film and its type: a sheet of `frames` or an animated SVG.

        Raises:
          UserError: if nothing of the episode can be shown.
        """
        spec, frames = self._spec_of(dataset), self.frames(episode)
        if self._world.renderer and self._world.renderer.cameras(spec):
            job = self._world.name, spec, episode, frames, Viewpoint(ORBIT)
            try:
                return self._renderer.render(*job, pixels=_PIXELS), "image/jpeg"
            except RenderingError:
                if self._layout.drawing is None:
                    raise
        if spec.cameras:
            images = episode.steps[spec.cameras[0].name]
            images = images[frames.start : frames.stop : frames.step]
            return sheet.encode(images, "png"), "image/png"
        if self._layout.drawing is None:
            raise UserError(f"the world {self._world.name!r} has no pictures")
        seconds = (len(episode) - 1) / self._world.spec.control_hz
        drawn = episode_views.drawing(episode, self._layout, seconds, failed=False)
        return drawn.encode(), "image/svg+xml"

    def frames(self, episode: Episode) -> range:
        """Return the indices of the timesteps of a film: of long episodes every nth."""
        return range(0, len(episode), -(-len(episode) // sheet.FRAMES))
