"""Episode videos: the images come back exactly, and the marks lie where they should."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from fake_evaluation import STEPS, camera_video, strip
from PIL import Image

from wtl.collection.drawing import svg
from wtl.collection.drawing.annotation import WIDTH
from wtl.evaluation.camera_video import CameraVideo

CLIP = svg.Clip(0, 4.0, 5.0)
HREF = "{*}image"


def _drawn(shown: CameraVideo) -> ET.Element:
    text = shown.draw("Try", CLIP)
    numbers = re.sub('base64,[^"]*', "", text)
    assert "nan" not in numbers and "inf" not in numbers
    return ET.fromstring(text)


def _moves(element: ET.Element) -> np.ndarray:
    """[T, 2] shifts of an element, one for each frame."""
    animation = element.find("{*}animateTransform")
    assert animation.get("calcMode") == "discrete"
    times = [float(t) for t in animation.get("keyTimes").split(";")]
    values = [v.split() for v in animation.get("values").split(";")]
    assert len(times) == len(values) and times == sorted(times)
    # The first and the last frame stand before and after the clip.
    assert values[0] == values[1] and values[-1] == values[-2]
    return np.array(values[1:-1], float)


def _frames(window: ET.Element) -> np.ndarray:
    """Pixels of a window, frame by frame."""
    image = window.find(HREF)
    data = base64.b64decode(image.get("href").removeprefix("data:image/webp;base64,"))
    sheet = np.asarray(Image.open(io.BytesIO(data)))
    size = (int(image.get("height")), int(image.get("width")))
    assert sheet.shape[:2] == size
    width, height = (int(n) for n in window.get("viewBox").split()[2:])
    shifts = _moves(image).astype(int)
    return np.stack([sheet[-y:, -x:][:height, :width] for x, y in shifts])


@pytest.mark.parametrize("count", [1, 2, 8, 9, STEPS, 200])
@pytest.mark.parametrize("pixels", [30, 64])
def test_every_frame_is_shown_exactly_and_in_order(count, pixels):
    rng = np.random.default_rng(count)
    image = rng.integers(0, 256, (count, pixels, pixels, 3), np.uint8)
    drawn = _drawn(CameraVideo(image))
    np.testing.assert_array_equal(_frames(drawn.find("{*}svg")), image)
    assert "pixelated" in drawn.find("{*}svg/" + HREF).get("style")


def test_marks_follow_what_was_found():
    shown = camera_video()
    marks = _drawn(shown).find("{*}g[@class='marks']")
    ring, *found = list(marks)
    expected = (shown.target + 1) / 2 * WIDTH
    np.testing.assert_allclose(_moves(ring), expected, atol=0.06)
    assert len(found) == shown.gaze.point.shape[1]
    for i, mark in enumerate(found):
        expected = (shown.gaze.point[:, i] + 1) / 2 * WIDTH
        if mark.find("{*}animateTransform") is None:
            at = re.findall(r"[-\d.]+", mark.get("transform"))
            np.testing.assert_allclose(expected, [np.array(at, float)] * STEPS, atol=1)
        else:
            np.testing.assert_allclose(_moves(mark), expected, atol=0.06)
        chosen = mark.find("{*}circle") is None
        assert chosen == (i == shown.gaze.selected)


def test_points_outside_the_image_are_marked_at_its_edge():
    point = np.array([[-3.0, 0.0], [0.0, 0.0], [0.0, 3.0]])
    shown = CameraVideo(np.zeros((3, 8, 8, 3), np.uint8), target=point)
    (ring,) = _drawn(shown).find("{*}g[@class='marks']")
    assert _moves(ring)[0].tolist() == [0, WIDTH / 2]
    assert _moves(ring)[2].tolist() == [WIDTH / 2, WIDTH]


def test_it_is_dark_where_nobody_looked():
    shown = camera_video()
    shade = _frames(_drawn(shown).find("{*}g[@class='heat']/{*}svg"))
    assert shade.shape == (*shown.gaze.heat.shape, 4)
    assert not shade[..., :3].any()
    flat = shade[..., 3].reshape(STEPS, -1)
    at = shown.gaze.heat.reshape(STEPS, -1).argmax(axis=1)
    assert (flat[np.arange(STEPS), at] == 0).all()
    assert (np.sort(flat, axis=1)[:, 1:] > 100).all()


def test_a_video_of_which_nothing_else_is_known_can_be_shown():
    drawn = _drawn(CameraVideo(camera_video().image))
    assert not list(drawn.find("{*}g[@class='marks']"))
    assert drawn.find("{*}g[@class='heat']").find(".//" + HREF) is None
    human = {
        "states": None,
        "target": -1,
        "by_human": True,
        "video": camera_video(False),
    }
    watched, tried, _ = strip(
        demo=human, trial={"video": camera_video()}, retrial={"video": camera_video()}
    ).episodes
    assert watched.outcome == "human" and tried.outcome == "wrong target"
    assert "pixelated" in watched.animation


def test_episodes_of_any_length_play_in_step():
    shorter = CameraVideo(camera_video().image[:20])
    shown = strip(
        demo={"video": shorter},
        trial={"video": camera_video()},
        retrial={"video": camera_video()},
    )
    ends = set()
    for episode in shown.episodes:
        image = ET.fromstring(episode.animation).find("{*}svg/" + HREF)
        animation = image.find("{*}animateTransform")
        times = animation.get("keyTimes").split(";")
        ends.add((times[1], times[-2], animation.get("dur")))
        assert float(animation.get("dur")[:-1]) == pytest.approx(shown.loop)
    assert len(ends) == 1


def test_a_picture_is_small():
    text = camera_video().draw("Try", CLIP)
    assert len(text.encode()) < 40_000
