"""The table of a grid of ablations."""

import fake_evaluation as fakes
import pytest

from wtl.evaluation import ablation

BASE = fakes.evaluation()


def _worse(rows, method="wtl", families=fakes.FAMILIES):
    """The same rollouts, with every success of a method in some families a failure."""
    return [
        fakes.row(**vars(row) | {"success": False})
        if row.method == method and row.family in families
        else row
        for row in rows
    ]


def _entry(settings, rows=BASE, name="it"):
    (entry,) = ablation.entries(name, settings, rows, BASE, "wtl")
    return entry


def test_an_ablation_is_compared_with_the_same_arm_of_the_base():
    entry = _entry(ablation.Ablation(), _worse(BASE))
    rate = sum(r.success for r in BASE if r.method == "wtl") / 160
    assert entry["overall"]["success"] == 0
    assert entry["difference"]["difference"] == pytest.approx(-rate)
    low, high = entry["difference"]["ci95"]
    assert low <= -rate <= high < 0
    mil = ablation.Ablation(conditions=("mil",))
    assert _entry(mil, _worse(BASE, "mil"))["against"] == "mil"
    assert _entry(mil, _worse(BASE))["difference"]["difference"] == 0


def test_the_base_is_compared_with_its_first_arm():
    wtl, mil = ablation.entries(
        "base", ablation.Ablation(conditions=("wtl", "mil")), BASE, BASE, "wtl"
    )
    assert wtl["difference"] is None
    assert mil["against"] == "wtl"
    assert mil["difference"]["difference"] < 0
    (alone,) = ablation.entries(
        "base", ablation.Ablation(conditions=("mil",)), BASE, BASE, "mil"
    )
    assert alone["difference"] is None


def test_an_arm_that_the_base_has_not_is_compared_with_its_first():
    rows = [fakes.row(**vars(r) | {"method": "new"}) for r in BASE if r.method == "mil"]
    entry = _entry(ablation.Ablation(conditions=("new",)), rows)
    assert entry["against"] == "wtl" and entry["difference"]["n"] == 160
    told = ablation.Ablation(conditions=("new",), against="mil")
    assert _entry(told, rows)["difference"]["difference"] == 0


def test_tasks_with_other_rules_are_not_compared_with_those_of_the_base():
    rows = [fakes.row(**vars(row) | {"rule": "nearest:0"}) for row in BASE]
    assert _entry(ablation.Ablation(), rows)["difference"] is None


def test_tasks_that_the_base_has_not_are_not_compared_with_it():
    more = [fakes.row("wtl", task=99, family="press")]
    entry = _entry(ablation.Ablation(), [*BASE, *more])
    assert entry["difference"] is None and entry["overall"]["n"] == 161
    assert entry["by_family"]["press"]["difference"] is None
    assert entry["by_family"]["grasp"]["difference"]["n"] == 32
    # A scene less is another matter.
    assert _entry(ablation.Ablation(), BASE[:-20])["difference"] is not None


def test_families_asked_for_are_counted_alone():
    settings = ablation.Ablation(families=("press",))
    entry = _entry(settings, _worse(BASE, families=("press",)))
    assert entry["overall"]["n"] == entry["difference"]["n"] == 32
    assert entry["overall"]["success"] == 0
    assert set(entry["by_family"]) == set(fakes.FAMILIES)
    others = [entry["by_family"][f] for f in fakes.FAMILIES if f != "press"]
    assert all(rate["difference"]["difference"] == 0 for rate in others)


def test_an_arm_that_was_not_played_is_named():
    with pytest.raises(ValueError, match="wtl_2_trials"):
        _entry(ablation.Ablation(conditions=("wtl_2_trials",)))


def test_tables_have_a_line_for_each_arm():
    found = ablation.entries(
        "base", ablation.Ablation("Base", ("wtl", "mil")), BASE, BASE, "wtl"
    )
    found.append(_entry(ablation.Ablation("No flag"), _worse(BASE), "x"))
    found.append(_entry(ablation.Ablation("Few", families=("press",)), _worse(BASE)))
    results = {
        "protocol": fakes.PROTOCOL,
        "base": "base",
        "ablations": found,
        "failed": {"broken": "no such thing"},
    }
    page = ablation.markdown_table(results)
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4
    widths = {line.count("|") for line in lines}
    assert len(widths) == 1
    assert "Few (press only)" in page
    assert "broken failed: no such thing" in page
    plain = ablation.format_table(results)
    assert "−" in plain and "Base" in plain and "160" in plain
