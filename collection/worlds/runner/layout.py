"""Layouts of the observations of runners, which can be drawn."""

from typing import ClassVar

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.runner import body as bodies
from wtl.collection.worlds.runner.drawing import Drawing


class RunnerLayout(PlainLayout):
    """Layout of the state of a runner.

    Attributes:
      body: the body that runs.
    """

    body: ClassVar[bodies.Body]

    @property
    def drawing(self):
        """See the base class."""
        return Drawing(self.body)


class HalfCheetahLayout(RunnerLayout):
    """Layout of the half-cheetah."""

    body = bodies.HALF_CHEETAH


class QuadrupedLayout(RunnerLayout):
    """Layout of the quadruped."""

    body = bodies.QUADRUPED
