"""Results are those of stored rollouts, and the pages print them."""

import json
import pathlib
import runpy
import shutil
import tarfile
import types

import fake_evaluation as fakes
import pytest

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import played_run

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SCRIPT = types.SimpleNamespace(
    **runpy.run_path(str(_ROOT / "docs" / "verify_results.py"))
)
_PAGE = """WTL leads by <!-- two.json: wtl_vs_mil -->?<!-- end --> points
(n = <!-- two.json: wtl.overall.n -->?<!-- end -->).

| | success | press | failed |
|---|--:|--:|--:|
| Watch | \
<!-- two.json: mil.overall -->?<!-- end --> | \
<!-- two.json: mil.families.press.success -->?<!-- end --> | \
<!-- two.json: mil.given_trial_failed.success -->?<!-- end --> |
"""
_RESULTS = "docs/results"


def test_the_pages_of_this_project_print_the_numbers_of_its_files():
    assert _SCRIPT.verify_pages(_ROOT) == []


@pytest.mark.slow
def test_the_files_of_this_project_follow_from_its_rollouts():
    assert _SCRIPT.verify_files(_ROOT) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Results of two training seeds, of one, and of two sets, with their pages."""
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
    marked = [f"<!-- {name}.json -->\n?\n<!-- end -->\n" for name in ("one", "sets")]
    (results / "README.md").write_text("\n".join(marked))
    (results / "old.json").write_text("{}\n")
    _SCRIPT.add(root, "two", [f"{runs}/r0", f"{runs}/r1"])
    _SCRIPT.add(root, "one", [f"{runs}/r0"])
    _SCRIPT.add(root, "sets", [f"base={runs}/r0", f"other={runs}/r0"])
    _SCRIPT.verify(root, write=True)
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
    assert f"mil.overall -->{100 * mil:.1f} [" in page
    assert page.endswith("-->–<!-- end --> |\n")  # MIL is given no trial
    assert "| WTL (base) | " in (root / _RESULTS / "README.md").read_text()
    assert "(n = <!-- two.json: wtl.overall.n -->80<!-- end -->)" in page
    assert [run["run"] for run in numbers["runs"]] == ["two/seed0", "two/seed1"]
    assert numbers["runs"][0]["commit"] == "c0ffee"
    assert _SCRIPT.not_recomputable(root) == ["old"]


def test_equal_rollouts_are_equal_bytes(root, tmp_path):
    stored = root / _RESULTS / "episodes" / "one.tar.xz"
    shutil.unpack_archive(stored, tmp_path / "out")
    before = stored.read_bytes()
    _SCRIPT.add(root, "one", [str(tmp_path / "out" / "one" / "seed0")])
    assert stored.read_bytes() == before


@pytest.mark.parametrize(
    "altered",
    [
        {
            "README.md": "by <!-- two.json: wtl_vs_mil -->+",
            f"{_RESULTS}/README.md": "WTL − MIL: +",
            f"{_RESULTS}/two.json": '"commit": "',
        },
        {
            "README.md": "mil.overall -->",
            f"{_RESULTS}/README.md": "| WTL (base) | ",
            f"{_RESULTS}/two.json": '"tasks": ',
        },
        {
            f"{_RESULTS}/one.json": '"success": 0.',
            f"{_RESULTS}/sets.json": '"difference": 0.',
        },
    ],
)
def test_an_altered_number_is_found(altered, root):
    for file, after in altered.items():
        text = (root / file).read_text()
        assert after in text
        (root / file).write_text(text.replace(after, after + "9", 1))
    faulty = {fault.partition(": ")[0] for fault in _SCRIPT.verify(root)}
    assert altered.keys() <= faulty


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wtl_vs_mil", "wtl_vs_nil", "wtl_vs_nil"),
        ("two.json", "gone.json", "gone.json"),
        ("<!-- end -->", "", "lacks <!-- end -->"),
        ("<!-- two.json: mil", "<!--two.json: mil", "its opening is mistyped"),
        ("mil.overall", "mil", "mil"),
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
    "name, kind", [("../out", tarfile.REGTYPE), ("a", tarfile.SYMTYPE)]
)
def test_an_archive_unpacks_nothing_elsewhere(name, kind, root):
    archive = root / _RESULTS / "episodes" / "one.tar.xz"
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/"
    with tarfile.open(archive, "w:xz") as file:
        file.addfile(member)
    with pytest.raises(UserError, match=f"damaged: {name} is no file inside"):
        _SCRIPT.verify(root)


def test_an_archive_without_runs_is_named(root):
    archive = root / _RESULTS / "episodes" / "one.tar.xz"
    with tarfile.open(archive, "w:xz"):
        pass
    with pytest.raises(UserError, match="one.tar.xz is damaged: it holds no run"):
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
