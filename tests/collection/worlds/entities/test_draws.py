"""Draws by rejection end."""

import numpy as np
import pytest

from wtl.collection.worlds.entities import colours
from wtl.collection.worlds.reacher import scene
from wtl.datasets.contract.errors import UserError


def test_draws_of_more_than_fit_end_and_name_the_setting(monkeypatch):
    monkeypatch.setattr(colours, "_DRAWS", 100)
    with pytest.raises(UserError, match=r"no 40 colours .* lower suite.size"):
        colours.draw(np.random.default_rng(0), 40)
    with pytest.raises(UserError, match=r"5 targets, .* lower suite.size"):
        scene.draw(5, 0)
