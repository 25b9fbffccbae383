"""Figures say what was measured, and nothing of what was not."""

import json
import pathlib
import re
import xml.etree.ElementTree as ET

import fake_evaluation as fakes

from wtl.evaluation import figures, statistics
from wtl.policies import methods as methods_lib
from wtl.policies.methods import label

RESULTS = pathlib.Path(__file__).parents[2] / "docs/results"
CURVES = {
    name: [(step, {"imitation": -step / 9, "target": 1 / step}) for step in (1, 9, 18)]
    for name in ("mil", "wtl")
}


def words(svg: str) -> list[str]:
    """Words in a figure."""
    return [
        "".join(e.itertext()).strip() for e in ET.fromstring(svg).findall(".//{*}text")
    ]


def lines(svg: str, colour: str) -> list[int]:
    """Number of points of each line of a colour has."""
    paths = re.findall(
        rf'<path d="([^"]*)"[^>]*style="fill: none; stroke: {colour}', svg
    )
    return [len(re.findall("[ML]", path)) for path in paths]


def test_success_is_written_beside_every_method_and_family():
    methods = statistics.results(fakes.evaluation(), fakes.PROTOCOL)["methods"]
    drawn = figures.success(methods)
    assert drawn == figures.success(methods)  # byte by byte
    said = words(drawn)
    for name, method in methods.items():
        assert label(name) in said
        assert f"{100 * method['overall']['success']:.1f}" in said
    assert {"all families", *fakes.FAMILIES} <= set(said)
    nothing = {"success": None, "ci95": None, "n": 0}
    methods["wtl"] |= {"overall": nothing, "families": {}}
    assert len(words(figures.success(methods))) == len(said) - 1 - len(fakes.FAMILIES)


def test_learning_curves_have_panels_for_what_was_logged():
    said = words(figures.training(CURVES))
    assert {"MIL", "WTL", "Imitation (negative log-likelihood)"} <= set(said)
    assert "Total loss" not in said
    assert figures.training({}) is None
    odd = {"bc": [(1, {"total": float("nan")}), (2, {"total": 1.0}), (3, {"total": 2})]}
    drawn = figures.training(odd)
    assert lines(drawn, methods_lib.colour("bc"))[0] == 2 and "nan" not in drawn.lower()
    many = {"bc": [(step, {"total": 1 / step}) for step in range(1, 5000)]}
    assert max(lines(figures.training(many), methods_lib.colour("bc"))) <= 120


def test_profiles_have_a_line_and_a_colour_for_each_method():
    points = [{"tau": t, "value": 1 - t, "ci95": [0.9 - t, 1.1 - t]} for t in (0, 0.5)]
    names = ("sound/wtl", "faulty/wtl", "sound/mil")
    drawn = figures.profiles(dict.fromkeys(names, points))
    assert {label(name) for name in names} <= set(words(drawn))
    colours = methods_lib.colours(names)
    assert len(set(colours.values())) == 3
    assert colours["sound/wtl"] == methods_lib.colour("wtl")
    assert colours["sound/mil"] == methods_lib.colour("mil")
    assert all(2 in lines(drawn, colour) for colour in colours.values())


def test_reinforcement_is_drawn_beside_its_reference():
    arm = {
        "trials": [0, 100, 200],
        "success": [0.1, 0.5, 0.9],
        "ci95": [[0, 0.2], [0.4, 0.6], [0.8, 1]],
    }
    curves = {
        "protocol": {"trials": 200},
        "reference": {"wtl": {"success": [0.95]}},
        "arms": {"mil_sac": arm, "sac": arm},
    }
    said = words(figures.trials_needed(curves))
    assert {"WTL", "SAC from MIL", "SAC from scratch", "trials of the task"} <= set(
        said
    )
    assert {"0", "10", "200"} <= set(said) and "500" not in said


def test_ablations_are_in_order_of_what_they_cost():
    entries = [
        {"label": name, "arm": "wtl", "difference": found}
        for name, found in (
            ("Base", None),
            ("A little", {"difference": -0.02, "ci95": [-0.04, 0.01]}),
            ("A lot", {"difference": -0.5, "ci95": [-0.6, -0.4]}),
        )
    ]
    said = words(figures.ablations({"ablations": entries}))
    assert said.index("A lot: WTL") < said.index("A little: WTL")
    assert "Base: WTL" not in said


def test_figures_of_the_results_page_show_the_numbers_beside_them():
    pages = "".join(page.read_text() for page in RESULTS.glob("*.md"))
    shown = re.findall(r"!\[[^]]*\]\((\S+)\.svg\)", pages)
    assert len(shown) > 3
    for name in shown:
        numbers = json.loads((RESULTS / f"{name}.json").read_text())
        said = words((RESULTS / f"{name}.svg").read_text())
        for key, method in numbers.get("methods", {}).items():
            if "overall" in method:
                assert f"{100 * method['overall']['success']:.1f}" in said, name
            else:  # of an adaptation, drawn by time since the fault
                assert label(key) in said, name
        for entry in numbers.get("ablations", ()):
            expected = f"{entry['label']}: {label(entry['arm'])}"
            assert (expected in said) == (entry["difference"] is not None), name
