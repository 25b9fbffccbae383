"""Results are those of stored rollouts, and the pages print them."""

import json
import pathlib
import runpy
import shutil
import types

import fake_evaluation as fakes
import pytest

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import ablation, played_run

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SCRIPT = types.SimpleNamespace(
    **runpy.run_path(str(_ROOT / "docs" / "verify_results.py"))
)
_PAGE = """WTL leads by <!-- two.json: wtl_vs_mil -->?<!-- end --> points
(n = <!-- two.json: wtl.overall.n -->?<!-- end -->).

<!-- two.json: mil wtl; overall ceiling families.press.success given_trial_failed -->

| | success | bound | press | failed |
|---|--:|--:|--:|--:|
| Watch | |
| **Watch, try, learn** | |

<!-- end -->
"""
_RESULTS = "docs/results"


def test_the_pages_of_this_project_print_what_was_measured():
    assert _SCRIPT.verify(_ROOT) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Results of two training seeds, of one, and of a grid, with their pages."""
    root, runs = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        about = fakes.PROTOCOL | {"tasks": 10, "seed": seed}
        rows = fakes.evaluation(10, seed=seed)
        played_run.write(
            played_run.PlayedRun("", about, rows, "c0ffee"), runs / f"r{seed}"
        )
    results = root / _RESULTS
    results.mkdir(parents=True)
    (root / "README.md").write_text(_PAGE)
    marked = [f"<!-- {name}.json -->\n?\n<!-- end -->\n" for name in ("one", "grid")]
    (results / "README.md").write_text("\n".join(marked))
    (results / "old.json").write_text("{}\n")
    settings = ablation.Ablation("shuffled", ["wtl", "mil"], families=["press", "push"])
    base, other = (played_run.read(str(runs / f"r{seed}")) for seed in (0, 1))
    found = ablation.entries("other", settings, other.rows, base.rows, "wtl")
    grid = {"protocol": base.protocol, "base": "base", "ablations": found, "failed": {}}
    (results / "grid.json").write_text(json.dumps(grid))
    _SCRIPT.add(root, "two", [f"{runs}/r0", f"{runs}/r1"])
    _SCRIPT.add(root, "one", [f"{runs}/r0"])
    _SCRIPT.add(root, "grid", [f"base={runs}/r0", f"other={runs}/r1"])
    # The grid alone was there, as `wtl ablate` computes it.
    assert not any(
        "grid.json" in fault for fault in _SCRIPT.verify(root, write=True)[:2]
    )
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "root")


def test_results_are_written_from_rollouts(root):
    assert _SCRIPT.verify(root) == []
    page, numbers = (
        (root / "README.md").read_text(),
        json.loads((root / _RESULTS / "two.json").read_text()),
    )
    mil = numbers["methods"]["mil"]["overall"]["success"]
    assert f"| Watch | {100 * mil:.1f} [" in page
    assert page.count(" | – |\n") == 1  # MIL is given no trial
    assert "(n = <!-- two.json: wtl.overall.n -->80<!-- end -->)" in page
    assert [run["run"] for run in numbers["runs"]] == ["two/seed0", "two/seed1"]
    assert numbers["runs"][0]["commit"] == "c0ffee"
    assert _SCRIPT.not_recomputable(root) == ["old"]


def test_equal_rollouts_are_equal_bytes(root, tmp_path):
    stored = root / _RESULTS / "episodes" / "one.tar.xz"
    shutil.unpack_archive(stored, tmp_path / "out", filter="data")
    before = stored.read_bytes()
    _SCRIPT.add(root, "one", [str(tmp_path / "out" / "one" / "seed0")])
    assert stored.read_bytes() == before


@pytest.mark.parametrize(
    ("file", "after", "inserted"),
    [
        ("README.md", "by <!-- two.json: wtl_vs_mil -->+", "9"),
        ("README.md", "| Watch | ", "9"),
        (f"{_RESULTS}/README.md", "WTL − MIL: +", "9"),
        (f"{_RESULTS}/README.md", "(press, push only) | WTL | ", "9"),
        (f"{_RESULTS}/one.json", '"success": 0.', "9"),
        (f"{_RESULTS}/grid.json", '"difference": 0.', "9"),
        (f"{_RESULTS}/two.json", '"commit": "', "9"),
        (f"{_RESULTS}/two.json", '"protocol": {', '"scenes": 4, '),
    ],
)
def test_an_altered_number_is_found(file, after, inserted, root):
    path = root / file
    text = path.read_text()
    assert after in text
    path.write_text(text.replace(after, after + inserted, 1))
    faults = _SCRIPT.verify(root)
    assert faults and faults[0].startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wtl_vs_mil", "wtl_vs_nil", "wtl_vs_nil"),
        ("two.json", "gone.json", "gone.json"),
        ("<!-- end -->", "", "lacks <!-- end -->"),
        ("mil wtl;", "mil;", "mil;"),
    ],
)
def test_a_mark_that_names_nothing_is_refused(old, new, says, root):
    path = root / "README.md"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=f"README.md: .*{says}"):
        _SCRIPT.verify(root)


@pytest.mark.parametrize(
    ("file", "says"), [("one.json", "no JSON"), ("episodes/one.tar.xz", "damaged")]
)
def test_a_truncated_file_is_named(file, says, root):
    path = root / _RESULTS / file
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=f"{path.name} is {says}"):
        _SCRIPT.verify(root)


@pytest.mark.parametrize(
    ("second", "says"), [("", "name a SET"), ("b=", "can't be compared")]
)
def test_runs_that_do_not_fit_are_not_kept(second, says, root, tmp_path):
    for tasks in (5, 6):
        about = fakes.PROTOCOL | {"tasks": tasks}
        run = played_run.PlayedRun("", about, fakes.evaluation(tasks), "")
        played_run.write(run, tmp_path / f"run{tasks}")
    with pytest.raises(UserError, match=says):
        _SCRIPT.add(root, "new", [f"{tmp_path}/run5", f"{second}{tmp_path}/run6"])
    assert "new" not in str(list((root / _RESULTS / "episodes").iterdir()))
