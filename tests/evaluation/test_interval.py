"""Intervals: coverage by simulation, and properties that hold at every rate."""

import fake_evaluation as fakes
import numpy as np
import pytest
from scipy import stats

from wtl.evaluation import interval
from wtl.evaluation.task_table import TaskTable

SIMULATED = 800


def shares(rng, rates, tasks, scenes, runs=1, spread=0.0, task=1.5, shared=0.5):
    """Draw the successes of methods in the same scenes, as a share of each cell.

    Success is a probit of normal effects of run, task, scene, run x task and chance.
    Methods share the part `shared` of each. The effect of runs is about `spread` on
    the scale of rates.

    Returns:
      [methods, SIMULATED, runs, tasks] shares, whose expectations are the rates.
    """
    cells = (SIMULATED, runs, tasks, scenes)
    slope = stats.norm.pdf(stats.norm.ppf(rates))
    fixed = task + 0.5 + 0.3 + 1
    of_run = fixed * (spread / slope) ** 2
    of_run = of_run / np.maximum(1 - (spread / slope) ** 2, 0.1)
    drawn = np.zeros((len(rates), *cells))
    for size, shape in (
        (None, (SIMULATED, runs, 1, 1)),
        (task, (SIMULATED, 1, tasks, 1)),
        (0.5, (SIMULATED, 1, tasks, scenes)),
        (0.3, (SIMULATED, runs, tasks, 1)),
        (1, cells),
    ):
        both = rng.standard_normal(shape)
        for i, method in enumerate(drawn):
            own = rng.standard_normal(shape)
            part = np.sqrt(shared) * both + np.sqrt(1 - shared) * own
            method += np.sqrt(of_run[i] if size is None else size) * part
    bar = stats.norm.ppf(rates) * np.sqrt(fixed + of_run)
    return (drawn + bar[:, None, None, None, None] > 0).mean(axis=-1)


# Rate, runs, tasks, scenes, standard deviation between runs.
@pytest.mark.parametrize(
    "rate, runs, tasks, scenes, spread",
    [
        (0.5, 1, 80, 4, 0),
        (0.97, 1, 80, 4, 0),
        (0.9, 1, 20, 4, 0),
        (0.7, 3, 200, 4, 0.03),
        (0.9, 3, 80, 4, 0.02),
        (0.9, 4, 200, 2, 0.03),
        (0.99, 3, 80, 4, 0.003),
    ],
)
def test_intervals_of_rates_cover_other_tasks_and_training_runs(
    rate, runs, tasks, scenes, spread
):
    rng = np.random.default_rng(0)
    (drawn,) = shares(rng, np.array([rate]), tasks, scenes, runs, spread)
    tables = (TaskTable.of_shares(each, scenes) for each in drawn)
    found = np.array([interval.of_rate(table) for table in tables])
    covered = np.mean((found[:, 0] <= rate) & (rate <= found[:, 1]))
    assert covered >= 0.935
    # Near 1 and with few tasks they are cautious.
    assert covered <= (0.97 if rate < 0.9 else 1)


@pytest.mark.parametrize(
    "rates, runs, tasks, spread, together",
    [
        ((0.97, 0.7), 1, 80, 0, True),
        ((0.99, 0.97), 3, 80, 0.003, True),
        ((0.9, 0.9), 3, 200, 0.02, True),
        ((0.97, 0.7), 3, 80, 0.01, False),
        ((0.97, 0.7), 3, 20, 0.01, True),
    ],
)
def test_intervals_of_differences_cover_them(rates, runs, tasks, spread, together):
    rng = np.random.default_rng(1)
    drawn = shares(rng, np.array(rates), tasks, 4, runs, spread)
    covered = 0
    for a, b in zip(*drawn):
        low, high = interval.of_difference(
            a.mean() - b.mean(),
            a.mean(axis=0) - b.mean(axis=0),
            [a - b] if together else [a, b],
            per_task=4 * runs,
        )
        covered += low <= rates[0] - rates[1] <= high
    assert covered >= 0.935 * SIMULATED


@pytest.mark.parametrize("runs, tasks, scenes", [(1, 8, 2), (1, 80, 4), (3, 20, 4)])
def test_no_interval_of_a_perfect_rate_begins_below_that_of_a_lower_one(
    runs, tasks, scenes
):
    def limits(lost):
        return interval.of_rate(TaskTable.of_shares(1 - lost / scenes, scenes))

    perfect = limits(np.zeros((runs, tasks)))
    assert perfect[0] < 1 == perfect[1]
    before = perfect
    rng = np.random.default_rng(0)
    for lost in range(1, tasks // 2):
        # One failure in each of some tasks: the least variance between tasks.
        one_each = np.zeros((runs, tasks))
        one_each[np.arange(lost) % runs, np.arange(lost)] = 1
        whole = np.broadcast_to(scenes * (np.arange(tasks) < lost), (runs, tasks))
        anywhere = rng.permuted(one_each)
        for found in map(limits, (one_each, whole, anywhere)):
            assert found[0] <= perfect[0] and found[1] < 1
        assert limits(one_each)[0] <= before[0]
        before = limits(one_each)
    # Failure is success the other way round.
    assert limits(np.full((runs, tasks), scenes)) == pytest.approx([0, 1 - perfect[0]])


def test_with_one_scene_of_each_of_many_tasks_it_is_wilsons():
    rows = [fakes.row(task=t, success=t >= 600) for t in range(4000)]
    found = interval.rate_by_task(rows)["ci95"]
    wilson = stats.binomtest(3400, 4000).proportion_ci(method="wilson")
    assert found == pytest.approx([wilson.low, wilson.high], abs=1e-4)


def width(rows):
    low, high = interval.rate_by_task(rows)["ci95"]
    return high - low


def rows_of(won, runs=1):
    return [
        fakes.row(task=t, pair=k, success=bool(won(r, t, k)), run=f"run{r}")
        for r in range(runs)
        for t in range(40)
        for k in range(8)
    ]


def test_scenes_and_runs_that_go_together_widen_the_interval():
    one_each = [row for row in rows_of(lambda r, t, k: t % 2) if row.pair == 0]
    clustered, even = rows_of(lambda r, t, k: t % 2), rows_of(lambda r, t, k: k % 2)
    # 8 scenes that go together say no more than one.
    assert width(clustered) == pytest.approx(width(one_each), rel=0.05)
    assert width(even) < width(one_each) / np.sqrt(8)
    apart = rows_of(lambda r, t, k: k < 2 + 2 * r, runs=3)
    alike = rows_of(lambda r, t, k: k < 4, runs=3)
    assert width(apart) > 2 * width(alike)


def test_one_task_alone_is_judged_by_its_scenes():
    rows = [fakes.row(task=0, pair=k, success=k > 4) for k in range(50)]
    low, high = interval.rate_by_task(rows)["ci95"]
    assert 0.75 < low < 0.9 < high < 0.97
    low, high = interval.rate_by_task(rows[-1:])["ci95"]
    assert low < 0.1 and high == 1  # a single rollout says next to nothing


@pytest.mark.parametrize("seed", range(5))
def test_properties_of_differences(seed):
    rng = np.random.default_rng(seed)
    runs = int(rng.integers(1, 4))
    won = rng.random((2, runs, 40, 8)) < rng.random((2, runs, 40, 1))
    first, second = (rows_of(lambda *at, w=w: w[at], runs) for w in won)
    there, back = interval.paired(first, second), interval.paired(second, first)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["ci95"] == pytest.approx([-back["ci95"][1], -back["ci95"][0]])
    assert there["p"] == pytest.approx(back["p"], abs=0.02) and 0 < there["p"] <= 1
    assert there["ci95"][0] <= there["difference"] <= there["ci95"][1]
    same = interval.paired(first, first)
    assert same["ci95"][0] < 0 < same["ci95"][1] and same["p"] == 1


def test_runs_that_lack_some_tasks_count_with_those_they_have():
    rows = rows_of(lambda r, t, k: (t + k + r) % 3, runs=3)
    some = [row for i, row in enumerate(rows) if (i // 8) % 5]
    low, high = interval.rate_by_task(some)["ci95"]
    assert low < np.mean([row.success for row in some]) < high
    assert width(rows) < width(some) < 2 * width(rows)
