"""Trials needed: against examples counted by hand."""

import json

import numpy as np
import pytest
from scipy import stats

from wtl.evaluation import reports
from wtl.evaluation import trials_needed as needed

TRIALS = [0, 100, 200, 300]
# Matches at 100; at 300 (once before, by luck); never; at once.
SUCCESS = np.array(
    [
        [0.0, 1.0, 1.0, 1.0],
        [1.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.5, 0.5],
        [0.5, 0.5, 0.5, 0.5],
    ]
)
GOAL = np.array([1.0, 1.0, 1.0, 0.5])


def test_trials_of_each_task_are_those_counted_by_hand():
    found = needed.trials_needed(TRIALS, SUCCESS, GOAL, 2)
    assert found["budget"] == 300
    assert found["median"]["per_task"] == [100, 300, None, 0]
    assert found["median"]["matched"] == 0.75
    assert found["median"]["trials"] == 100  # half of the tasks get there by then


def test_what_is_not_reached_is_no_number():
    never = np.zeros((8, 4))
    found = needed.trials_needed(TRIALS, never, np.ones(8), 1)
    assert found["mean"] == {"trials": None, "ci95": [None, None]}
    assert found["median"]["trials"] is None
    assert found["median"]["ci95"] == [None, None]
    assert found["median"]["matched"] == 0.0
    json.dumps(found, allow_nan=False)


def test_a_censored_median_has_a_known_lower_bound():
    # 10 of 20 tasks at 100, the others never: the median may be either.
    success = np.zeros((20, 4))
    success[:10, 1:] = 1.0
    found = needed.trials_needed(TRIALS, success, np.ones(20), 1)["median"]
    assert found["trials"] == 100
    assert found["ci95"] == [100, None]
    success[10, 1:], success[:2] = 0.0, 0.0
    assert needed.trials_needed(TRIALS, success, np.ones(20), 1)["median"] == {
        "trials": None,
        "ci95": [100, None],
        "quartiles": [100, None],
        "restricted_mean": 0.4 * 100 + 0.6 * 300,
        "matched": 0.4,
        "per_task": [None] * 2 + [100] * 8 + [None] * 10,
    }


def test_mean_matches_the_mean_and_stays():
    success = np.array([[0.0, 1.0, 0.5, 1.0], [0.0, 0.5, 0.5, 0.5]])
    # Means 0, .75, .5, .75 against .7: at 100 by luck, at 300 at last.
    found = needed.trials_needed(TRIALS, success, np.array([0.9, 0.5]), 2)
    assert found["mean"]["trials"] == 300
    at_once = needed.trials_needed(TRIALS, np.ones((20, 4)), np.full(20, 0.5), 2)
    assert at_once["mean"] == {"trials": 0, "ci95": [0, 0]}


@pytest.mark.parametrize("goal", [0.5, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("tasks", [20, 80])
def test_intervals_cover_the_truth_up_to_a_goal_of_all_tasks(goal, tasks):
    rng = np.random.default_rng(int(100 * goal) + tasks)
    trials = np.array([0, 10, 20, 50, 100, 200, 300, 500, 1000])
    # Each task succeeds from a time of its own on.
    reached = stats.expon.cdf(trials, scale=120)
    truths = (
        needed.first_match(trials, reached[None], np.array([goal]))[0],
        # A task whose goal is 0 matches at once.
        trials[(1 - goal + goal * reached >= 0.5).argmax()],
    )
    covered = np.zeros(2)
    for _ in range(200):
        learnt = 1.0 * (trials >= rng.exponential(120, (tasks, 1)))
        goals = 1.0 * (rng.random(tasks) < goal)
        found = needed.trials_needed(trials, learnt, goals, 1)
        for i, (name, truth) in enumerate(zip(("mean", "median"), truths)):
            low, high = (np.inf if x is None else x for x in found[name]["ci95"])
            covered[i] += low <= truth <= high
    assert (covered >= 0.935 * 200).all()


def test_a_goal_of_all_tasks_is_never_matched_for_certain():
    success = np.ones((20, 4))
    success[:, 0] = 0.0
    found = needed.trials_needed(TRIALS, success, np.ones(20), 1)
    assert found["mean"] == {"trials": 100, "ci95": [100, None]}


def test_curve_is_the_mean_with_an_interval_over_tasks():
    found = needed.curve(TRIALS, SUCCESS, 2)
    assert found["success"] == pytest.approx([0.375, 0.375, 0.5, 0.75])
    assert found["tasks"] == 4
    for rate, (low, high) in zip(found["success"], found["ci95"], strict=True):
        assert 0 <= low <= rate <= high <= 1


def _curves() -> dict:
    return {
        "protocol": {
            **dict(split="val", tasks=4, scenes_per_task=2, seed=0, trials=300),
            **dict(
                scenes="fresh", commit="", evaluate_every=100, at_once=10, patience=300
            ),
        },
        "reference": {"wtl": needed.curve([1], GOAL[:, None], 2)},
        "arms": {
            "mil_sac": needed.curve(TRIALS, SUCCESS, 2)
            | {"needed": needed.trials_needed(TRIALS, SUCCESS, GOAL, 2)}
        },
    }


def test_page_and_table_say_what_was_counted(tmp_path):
    curves = _curves()
    text = needed.format_table(curves)
    counts = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(counts) == 1
    assert "> 300 [" in text and "100 [0, > 300]" in text and "75 %" in text
    reports.write_reinforcement(tmp_path / "report.html", curves)
    page = (tmp_path / "report.html").read_text()
    assert 'src="data:image/svg+xml;base64,' in page and "SAC from MIL" in page
    # The numbers of the table stand on the page too.
    assert "&gt; 300 [" in page and "100 [0, &gt; 300]" in page
