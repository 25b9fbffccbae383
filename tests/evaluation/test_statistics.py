import dataclasses
import json
import re

import fake_evaluation as fakes
import numpy as np
import pytest
from scipy import stats

from wtl.evaluation import figures, interval, statistics, table


@pytest.fixture(scope="module")
def rows():
    return fakes.evaluation()


@pytest.fixture(scope="module")
def results(rows):
    return statistics.results(rows, fakes.PROTOCOL)


def test_rates_are_those_counted_by_hand():
    rows = [
        # The trial failed twice; one retrial made it.
        fakes.row(task=0, success=True, trial_success=False, ceiling=1.0),
        fakes.row(
            task=1, success=False, wrong_target=True, trial_success=False, ceiling=0.5
        ),
        fakes.row(task=2, success=True, trial_success=True, ceiling=1.0),
        fakes.row(task=5, success=True, pair=1, trial_success=True, ceiling=0.5),
    ]
    wtl = statistics.results(rows, fakes.PROTOCOL)["methods"]["wtl"]
    assert wtl["overall"]["success"] == 0.75 and wtl["overall"]["n"] == 4
    assert wtl["ceiling"] == 0.75
    assert wtl["wrong_target"] == 0.25 and wtl["motor_skill"] == 1.0
    assert wtl["families"]["press"]["n"] == 2
    assert wtl["families"]["grasp"]["success"] == 0.0
    assert wtl["conflict"]["n"] == 3 and wtl["no_conflict"]["n"] == 1
    assert wtl["given_trial_failed"]["success"] == 0.5
    assert wtl["given_trial_succeeded"]["success"] == 1.0
    assert wtl["ceilings"]["families"]["press"] == 0.75


def test_paired_difference_has_the_right_sign_and_size():
    better = [fakes.row("wtl", t, k, t % 5 > 0) for t in range(40) for k in range(2)]
    worse = [fakes.row("mil", t, k, t % 2 > 0) for t in range(40) for k in range(2)]
    found = interval.paired(better, worse)
    assert found["difference"] == pytest.approx(0.8 - 0.5)
    assert found["ci95"][0] < 0.3 < found["ci95"][1]
    assert found["n"] == 80 and found["tasks"] == 40
    back = interval.paired(worse, better)
    assert back["difference"] == pytest.approx(-0.3)
    assert back["p"] == pytest.approx(found["p"])


def test_p_agrees_with_scipys_permutation_test():
    rng = np.random.default_rng(1)
    won = rng.random((2, 30)) < [[0.75], [0.5]]
    first, second = (
        [fakes.row(name, t, 0, bool(won[i, t])) for t in range(30)]
        for i, name in enumerate(("wtl", "mil"))
    )
    expected = stats.permutation_test(
        (won[0].astype(float), won[1].astype(float)),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(2),
    ).pvalue
    assert interval.paired(first, second)["p"] == pytest.approx(expected, abs=0.02)


def test_tables_say_which_methods_are_not_told_apart():
    rows = [
        fakes.row(name, task, 0, task >= lost)
        for name, lost in (("wtl", 1), ("mil", 2), ("bc", 30))
        for task in range(40)
    ]
    results = statistics.results(rows, fakes.PROTOCOL)
    lines = table.format_table(results).splitlines()
    said = {line.partition(":")[0]: "not told apart" in line for line in lines}
    assert said["WTL − MIL"] and not said["MIL − BC"]


def test_every_rate_of_a_run_is_over_tasks():
    rows = [fakes.row("wtl", t, k, t % 4 > 0) for t in range(40) for k in range(8)]
    wtl = statistics.results(rows, fakes.PROTOCOL)["methods"]["wtl"]
    for found in (*wtl["families"].values(), *wtl["rules"].values(), wtl["conflict"]):
        tasks = found["n"] / 8 if found is not wtl["conflict"] else found["n"] / 4
        low, high = stats.binomtest(round(0.75 * tasks), round(tasks)).proportion_ci(
            method="wilson"
        )
        assert found["ci95"][1] - found["ci95"][0] > 0.9 * (high - low)


def test_only_scenes_that_both_played_are_compared():
    first = [fakes.row("wtl", 0, 0, True), fakes.row("wtl", 0, 1, False)]
    second = [fakes.row("mil", 0, 1, False), fakes.row("mil", 0, 2, True)]
    assert interval.paired(first, second)["n"] == 1
    assert interval.paired(first, [fakes.row("mil", 9, 9)]) is None


def test_results_have_the_agreed_form(results):
    assert results["protocol"] == fakes.PROTOCOL
    assert set(results["methods"]) == set(fakes.SUCCESS)
    for name, method in results["methods"].items():
        groups = [method["overall"], *method["families"].values()]
        groups += [method["rules"]["identity"], method["rules"]["position"]]
        groups += [method["conflict"], method["no_conflict"]]
        assert list(method["families"]) == list(fakes.FAMILIES)
        assert ("given_trial_failed" in method) == (name in fakes.WITH_TRIAL)
        for group in groups:
            assert set(group) == {"success", "ci95", "n"}
            assert group["ci95"][0] <= group["success"] <= group["ci95"][1]
    for name in (
        "wtl_vs_mil",
        "wtl_vs_mil_second_try",
        "wtl_vs_demo_hidden_at_retrial",
        "wtl_vs_trial_only",
        "mil_vs_bc",
    ):
        assert results["paired"][name]["difference"] > 0
        assert 0 < results["paired"][name]["p"] < 0.05


def test_second_chances_are_compared_in_the_scenes_that_failed(rows, results):
    failed = {r.key for r in rows if r.method == "mil" and not r.success}
    found = results["paired"]["after_failed_trial"]
    for name in ("wtl", "mil_second_try"):
        won = [r.success for r in rows if r.method == name and r.key in failed]
        assert found[name]["n"] == len(won) == len(failed)
        assert found[name]["success"] == pytest.approx(np.mean(won))
    assert found["difference"] == pytest.approx(
        found["wtl"]["success"] - found["mil_second_try"]["success"]
    )


def test_what_was_not_seen_is_null_in_strict_json():
    rows = [fakes.row(name, 0, 0, True) for name in ("mil", "mil_second_try")]
    rows.append(fakes.row("wtl", 0, 0, True, trial_success=True))
    rows.append(fakes.row("bc", 1, 0, False))
    results = statistics.results(rows, fakes.PROTOCOL)
    text = json.dumps(results, allow_nan=False)
    wtl = json.loads(text)["methods"]["wtl"]
    nothing = {"success": None, "ci95": None, "n": 0}
    assert wtl["families"]["grasp"] == nothing
    assert wtl["rules"]["position"] == nothing
    assert wtl["given_trial_failed"] == nothing
    assert results["paired"]["after_failed_trial"]["wtl"] == nothing
    assert "mil_vs_bc" not in results["paired"]
    assert table.format_table(results) and table.markdown_table(results)


def test_worlds_without_rules_have_no_results_of_rules():
    absent = dict.fromkeys(("conflict", "wrong_target", "ceiling"))
    rows = [
        dataclasses.replace(r, rule="", **absent) for r in fakes.evaluation(tasks=5)
    ]
    results = statistics.results(rows, fakes.PROTOCOL)
    found = results["methods"]["wtl"]
    assert set(found) == {
        "overall",
        "families",
        "given_trial_failed",
        "given_trial_succeeded",
    }
    header = table.format_table(results).splitlines()[2]
    assert not re.search("identity|conflict|oracle bound|wrong", header)


def test_success_by_number_of_targets_left_open():
    rows = [
        fakes.row("wtl", task, pair, pair < 2, open_targets=2 + pair, ceiling=1 / pair)
        for task in range(10)
        for pair in (1, 2)
    ]
    results = statistics.results(rows, fakes.PROTOCOL)
    wtl = results["methods"]["wtl"]
    assert {k: v["success"] for k, v in wtl["open_targets"].items()} == {"3": 1, "4": 0}
    assert wtl["open_targets"]["3"] == interval.rate_by_task(rows[::2])
    assert wtl["ceilings"]["open_targets"] == {"3": 1, "4": 0.5}
    assert figures.open_targets(results["methods"]).count(" open</text>") == 2
    bc = statistics.results([fakes.row("bc", open_targets=1)], fakes.PROTOCOL)
    assert figures.open_targets(bc["methods"]) is None


def test_no_rollouts_give_no_methods():
    results = statistics.results([], fakes.PROTOCOL)
    assert results["methods"] == {} and results["paired"] == {}


def test_same_rows_same_results(rows, results):
    assert statistics.results(rows, fakes.PROTOCOL) == results


def test_the_table_is_aligned_and_complete(results):
    lines = table.format_table(results).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("method"))
    body = lines[start : start + 2 + len(fakes.SUCCESS)]
    assert len({len(line) for line in body}) == 1
    assert all(family in body[0] for family in fakes.FAMILIES)
    wtl = results["methods"]["wtl"]["overall"]["success"]
    assert body[2].startswith("WTL ") and f"{100 * wtl:.1f} [" in body[2]
    assert any(line.startswith("WTL − MIL: +") for line in lines)


def test_the_markdown_table_has_as_many_cells_in_every_row(results):
    lines = table.markdown_table(results).splitlines()
    counts = {line.count("|") for line in lines if line.startswith("|")}
    assert len(counts) == 1


def _of_run(rows, run):
    return [dataclasses.replace(row, run=run) for row in rows]


def test_runs_are_taken_together():
    parts = [_of_run(fakes.evaluation(seed=s), f"seed{s}") for s in range(3)]
    alone = [statistics.results(part, fakes.PROTOCOL) for part in parts]
    together = statistics.results(sum(parts, []), fakes.PROTOCOL)
    json.dumps(together, allow_nan=False)
    values = [part["methods"]["wtl"]["overall"]["success"] for part in alone]
    overall = together["methods"]["wtl"]["overall"]
    assert overall["success"] == pytest.approx(np.mean(values))
    assert list(overall["per_run"].values()) == pytest.approx(values)
    assert overall["n"] == 3 * 160
    assert together["methods"]["mil"]["ceiling"] == 1.0
    for name in ("families", "conflict", "given_trial_failed"):
        assert name in together["methods"]["wtl"]
    difference = [part["paired"]["wtl_vs_mil"]["difference"] for part in alone]
    found = together["paired"]["wtl_vs_mil"]
    assert found["difference"] == pytest.approx(np.mean(difference))
    assert found["n"] == 3 * 160 and found["tasks"] == 40
    failed = [part["paired"]["after_failed_trial"]["wtl"]["n"] for part in alone]
    assert together["paired"]["after_failed_trial"]["wtl"]["n"] == sum(failed)


def test_the_same_run_thrice_says_no_more_than_once(rows, results):
    thrice = [row for run in "abc" for row in _of_run(rows, run)]
    found = statistics.results(thrice, fakes.PROTOCOL)
    for part in ("overall", "conflict"):
        once, more = (r["methods"]["wtl"][part]["ci95"] for r in (results, found))
        assert more[1] - more[0] == pytest.approx(once[1] - once[0], rel=0.25)
    assert found["paired"]["wtl_vs_mil"]["p"] == results["paired"]["wtl_vs_mil"]["p"]


def test_new_scenes_are_a_column_and_rules_of_every_kind_too():
    rows = [
        fakes.row(name, task, 0, name != "wtl_new_scene", rule=f"{kind}:0")
        for name in ("wtl", "wtl_new_scene", "mil")
        for task, kind in enumerate(("identity", "nearest"))
    ]
    found = statistics.results(rows, fakes.PROTOCOL)
    assert list(found["methods"]["wtl"]["rules"]) == ["identity", "position", "nearest"]
    header, _, *body = table.markdown_table(found).splitlines()[2:7]
    cells = [cell.strip() for cell in header.split("|")]
    wtl = [cell.strip() for cell in body[0].split("|")]
    assert wtl[cells.index("new scene [95%]")].startswith("0.0 [0.0, ")
    assert (
        wtl[cells.index("nearest")] == "100.0" and wtl[cells.index("position")] == "–"
    )
    assert "| MIL | 100.0" in body[2] and "| – |" in body[2]


def test_of_fixed_tasks_intervals_are_over_scenes():
    shares = {"a": 0.2, "b": 0.9, "c": 0.5, "d": 0.8}
    rows = [
        fakes.row("mil", task_id=name, pair=scene, success=scene < 50 * share)
        for name, share in shares.items()
        for scene in range(50)
    ]
    drawn = statistics.results(rows, fakes.PROTOCOL)["methods"]["mil"]["overall"]
    protocol = fakes.PROTOCOL | {"fixed_tasks": True}
    fixed = statistics.results(rows, protocol)["methods"]["mil"]["overall"]
    assert drawn["success"] == fixed["success"] == 0.6
    wilson = stats.binomtest(120, 200).proportion_ci(method="wilson")
    np.testing.assert_allclose(fixed["ci95"], [*wilson], atol=0.01)
    assert drawn["ci95"][0] < 0.3 and drawn["ci95"][1] > 0.85
    text = table.format_table(statistics.results(rows, protocol))
    assert "intervals over scenes of these tasks" in text
