"""Negatives are drawn from other tasks only."""

import numpy as np
import pytest

from wtl.datasets.contract import seeding
from wtl.datasets.sampling.negatives import Negatives


def test_negatives_are_uniform_over_the_rows_of_other_tasks():
    tasks = np.array(["b", "a", "b", "c", "a", "b"])
    drawn = Negatives(tasks)
    for row, task in enumerate(tasks):
        found = drawn.draw(seeding.generator(row), np.full(6000, row))
        counts = np.bincount(found, minlength=len(tasks))
        others = tasks != task
        assert (counts[~others] == 0).all()
        assert counts[others] == pytest.approx(6000 / others.sum(), rel=0.15)
