"""Interface of perception: states estimated from images, a capability of a world."""

from collections.abc import Mapping
from typing import Any, Protocol

from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.store import EpisodeStore


class Perception(Protocol):
    """Module that makes and trains perception models."""

    def create(
        self, layout: Layout, images: Mapping[str, tuple[int, int]], is_human: bool
    ) -> Any:
        """Return an untrained network with `perceive(images, proprioception)`.

        Args:
          layout: layout of the states.
          images: height and width of the images by name.
          is_human: whether they are videos of the simulated human.
        """

    def examples(
        self, demos: EpisodeStore, layout: Layout, later: int, is_human: bool = False
    ) -> Any:
        """Return a source of examples: `draw(rng, count)` and `gather(rows)`.

        Args:
          demos: episodes with images; slots in order of place, see `by_place`.
          layout: layout of their states.
          later: timesteps drawn after the first.
          is_human: whether they are videos of the simulated human.
        """

    def adapt(self, network: Any, source: Any, seed: int) -> None:
        """Prepare a network for training, by examples of a source."""

    def loss(self, network: Any, example: Any, log_sigma_floor: Any) -> Any:
        """Return named losses of a network, `total` among them."""

    def describe(self, losses: Any) -> dict[str, str]:
        """Return the losses to show while training, by name."""

    def policy(self, network: Any, policy: Any, watching: Any = None) -> Any:
        """Return the image policy that puts perception before a policy over states.

        Args:
          network: trained on images of the robot.
          policy: over states.
          watching: trained on videos of the simulated human, if it is given any.
        """

    def by_place(self, store: EpisodeStore, layout: Layout) -> EpisodeStore:
        """Return a store with states in the order that images show, left to right."""
