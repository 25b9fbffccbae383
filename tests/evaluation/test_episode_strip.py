import xml.etree.ElementTree as ET

import numpy as np
import pytest
from fake_evaluation import LAYOUT, STEPS, episode, strip

from wtl.collection.drawing import scene, svg


@pytest.mark.parametrize("clip", [None, svg.Clip(3, 3, 10)])
@pytest.mark.parametrize("moved", [0, 1, 4])
def test_a_picture_is_small_and_sound(moved, clip):
    text = scene.draw(episode(moved), LAYOUT, "Try", moved, 2, clip)
    assert 1_000 < len(text.encode()) < 30_000
    root = ET.fromstring(text)
    assert root.find("{*}title").text == "Try"
    assert "nan" not in text and "inf" not in text
    animations = root.findall(".//{*}animateTransform")
    assert bool(animations) == bool(clip)
    for animation in [*animations, *root.findall(".//{*}animate")]:
        times = [float(time) for time in animation.get("keyTimes").split(";")]
        assert len(times) == len(animation.get("values").split(";"))
        assert times[0] == 0 and times[-1] == 1 and times == sorted(times)


def test_the_wrong_one_is_crossed_and_the_right_one_is_not():
    wrong = scene.draw(episode(), LAYOUT, target_slot=1, acted_slot=0)
    right = scene.draw(episode(), LAYOUT, target_slot=0, acted_slot=0)
    plain = scene.draw(episode(), LAYOUT)
    assert len(wrong) > len(right) > len(plain)


def test_titles_are_escaped():
    text = scene.draw(episode(), LAYOUT, "<script>&")
    assert "<script>" not in text
    assert ET.fromstring(text).find("{*}title").text == "<script>&"


def test_an_episode_without_motion_can_be_drawn():
    states = np.repeat(episode()[:1], 5, axis=0)
    assert scene.draw(states, LAYOUT, clip=svg.Clip())
    assert scene.draw(states[:1], LAYOUT, clip=svg.Clip())


def test_a_strip_tells_how_each_episode_went():
    names, outcomes = zip(*((t.name, t.outcome) for t in strip().episodes), strict=True)
    assert names == ("Watch", "Try", "Learn")
    assert outcomes == ("demonstration", "wrong target", "success")
    missed = strip(trial={"states": episode(0)}).episodes[1]
    assert missed.outcome == "right target, failed"
    still = np.repeat(episode()[:1], STEPS, axis=0)
    assert strip(trial={"states": still}).episodes[1].outcome == "nothing moved"
