"""Films of episodes, with and without OpenGL."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from taught import SUITE, taught

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import Observation
from wtl.datasets.testing import fakes
from wtl.teach.films import Films
from wtl.viewer.render_process import RenderingError


class Renderer:
    """Renders black, if it can."""

    def __init__(self, missing: str = ""):
        self.missing = missing

    def render(self, world, spec, episode, frames, viewpoint, pixels):
        if self.missing:
            raise RenderingError(self.missing)
        assert list(frames) == list(range(len(episode)))
        return b"jpeg"


def films(missing: str = "", layout=SUITE.layout) -> Films:
    spec = SUITE.episode_spec()
    return Films(SUITE.world, layout, lambda name: spec, Renderer(missing))


def test_frames_are_rendered_or_else_drawn():
    demo = taught().teacher.demo
    assert films().make(demo, fields.WTL_DEMOS) == (b"jpeg", "image/jpeg")
    body, kind = films("no OpenGL").make(demo, fields.WTL_DEMOS)
    assert kind == "image/svg+xml"
    assert "animateTransform" in ET.tostring(ET.fromstring(body)).decode()


def test_worlds_without_renderer_show_their_images():
    spec = EpisodeSpec(
        (Observation(fields.IMAGE, (16, 16, 3), "uint8"),), action_size=3
    )
    episode = fakes.fake_episode(0, spec)
    world = type("World", (), {"renderer": None, "name": "mine"})()
    shown = Films(world, None, lambda name: spec, Renderer())
    body, kind = shown.make(episode, fields.WTL_DEMOS)
    assert kind == "image/png"
    sheet = np.asarray(Image.open(io.BytesIO(body)))
    frame = episode.steps[fields.IMAGE][0]
    assert (sheet[: len(frame), : frame.shape[1]] == frame).all()


def test_of_long_episodes_every_nth_frame_is_shown():
    demo = taught().teacher.demo
    long = type("Long", (), {"__len__": lambda self: 200})()
    assert len(films().frames(demo)) == len(demo)
    assert list(films().frames(long))[:3] == [0, 4, 8]


def test_a_world_without_any_picture_says_so():
    layout = type("Plain", (), {"drawing": None})()
    with pytest.raises(UserError, match="no OpenGL"):
        films("no OpenGL", layout).make(taught().teacher.demo, fields.WTL_DEMOS)
