"""Beliefs as the page shows them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from taught import SUITE, taught

from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.datasets.testing import fakes
from wtl.teach import attention, belief
from wtl.teach.belief import Belief

LAYOUT = SUITE.layout


@pytest.fixture(scope="module")
def state() -> np.ndarray:
    """First state of a demonstrated scene."""
    return taught().teacher.demo.steps["state"][0]


def weights(**slots: float) -> np.ndarray:
    result = np.zeros(LAYOUT.entities)
    for slot, weight in slots.items():
        result[int(slot[1:])] = weight
    return result


def test_entities_are_named_from_left_to_right(state):
    slots = belief.places(state, LAYOUT)[0]
    across = LAYOUT.split(state)["objects"][:, 0]
    assert sorted(across) == [across[slot] for slot in slots]
    left, middle, right = slots
    shown = Belief(
        weights(**{f"s{left}": 0.25, f"s{right}": 0.75}),
        state,
        LAYOUT,
        {"identity": right, "position": left},
    ).json
    # The other kind of entities is never a target here.
    assert [e["name"] for e in shown["entities"]] == ["A", "B", "C"]
    assert [e["weight"] for e in shown["entities"]] == [0.25, 0, 0.75]
    assert [(r["entity"], r["weight"]) for r in shown["readings"]] == [
        ("C", 0.75),
        ("A", 0.25),
    ]


def test_the_likelier_a_target_the_hotter_it_is_drawn(state):
    shown = Belief(weights(s0=0.2, s1=0.8), state, LAYOUT, {}).json
    heat = re.findall(r'fill="#e8350c" fill-opacity="([\d.]+)"', shown["drawing"])
    assert set(heat) == {"0.060", "0.240", "0.000"}
    assert shown["readings"] == []


def test_attention_plays_over_the_images_of_a_try():
    spec = EpisodeSpec((Observation("image", (16, 16, 3), "uint8"),), action_size=3)
    episode = fakes.fake_episode(0, spec)
    point, heat = np.zeros((len(episode), 9, 2)), np.ones((len(episode), 4, 4))
    drawn = ET.fromstring(attention.draw(episode, LAYOUT, point, heat))
    (shown,) = (g for g in drawn.iter() if g.get("class") == "heat")
    assert len(list(shown)) == 1
    (marks,) = (g for g in drawn.iter() if g.get("class") == "marks")
    assert len(list(marks)) == LAYOUT.entities  # fixtures are left out


def test_weights_by_place_are_brought_into_the_order_of_slots(state):
    by_place = np.arange(LAYOUT.entities) / 10
    by_slot = belief.of_slots(by_place, state, LAYOUT, by_place=True)
    order = [slot for kind in belief.places(state, LAYOUT) for slot in kind]
    assert [by_slot[slot] for slot in order] == by_place.tolist()
    assert belief.of_slots(by_place, state, LAYOUT, by_place=False) is by_place
