"""Oracle bounds of the reacher, and ideal agents that play."""

import numpy as np
import pytest
from reached import BOUND, SUITE, opened, played, scene_configs

from wtl.collection.worlds.entities import (
    oracle_bound,
)
from wtl.datasets.contract import fields
from wtl.evaluation.scenario import oracle_bound_of, scenarios
from wtl.policies.methods import CONDITIONS


def _mean(name):
    found = scenarios(SUITE, fields.SPLIT_TEST, 2)
    return np.mean([oracle_bound_of(CONDITIONS[name], each, BOUND) for each in found])


def test_bounds_count_the_signs_that_were_drawn():
    """Share of 2 targets × the signs of all test tasks that is found."""
    tasks = SUITE.tasks(fields.SPLIT_TEST)
    signs = [tuple(np.sign(task.gains)) for task in tasks]
    common = max(signs, key=signs.count)
    right = np.array([sign == common for sign in signs])
    assert right.mean() > 0.25  # the luckiest of four
    assert _mean("bc") == pytest.approx(right.mean() / 2)
    assert _mean("mil") == _mean("mil_second_try") == pytest.approx(right.mean())
    assert _mean("wtl") == _mean("wtl_new_scene") == _mean("oracle_task") == 1.0
    # A blind try with the right motors tells the target too, by success or failure;
    # with the wrong ones it tells the motors alone.
    assert _mean("trial_only") == pytest.approx(np.where(right, 1.0, 0.5).mean())
    assert _mean("demo_hidden_at_retrial") == 1.0


def test_ideal_agents_reach_the_bounds_in_the_simulator_and_no_more():
    """Agents commit to the commonest signs; the one that has tried knows them."""
    scenes = scene_configs()
    signs = [tuple(np.sign(scene.task.gains)) for scene in scenes]
    common = np.array(max(signs, key=signs.count))

    def success(gains):
        each = zip(scenes, gains, strict=True)
        return np.mean(
            [played(opened(scene), gain)[-1].reward > 0 for scene, gain in each]
        )

    committed = success([common] * len(scenes))
    assert _mean("mil") - 0.05 <= committed <= _mean("mil") + 1e-9
    assert _mean("wtl") - 0.05 <= success(np.array(signs)) <= _mean("wtl")


def test_oracle_bounds_join_readings_and_signs():
    prior = oracle_bound.Prior(identity_share=0.6, families=(1,), size=2, motors=0.25)
    told = oracle_bound.Readings(identity=0, position=1, true=0)
    untold = oracle_bound.Readings(identity=0, position=1, true=1)
    assert oracle_bound.demo_and_trial(told, told, prior) == 1.0
    # With the wrong motors no outcome tells which reading is right.
    assert oracle_bound.demo_and_trial(untold, untold, prior) == 0.25
    assert oracle_bound.trial_of_demo_only(untold, prior) == 0.25
