"""The documents agree with the code: modules, observations, actions, rates."""

import itertools
import pathlib
import re

import pytest

from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.reacher import environment as reacher
from wtl.collection.worlds.reacher import observation as reacher_observation
from wtl.collection.worlds.tabletop import environment as tabletop
from wtl.collection.worlds.tabletop import observation as tabletop_observation
from wtl.collection.worlds.tabletop import strike_tasks
from wtl.collection.worlds.tabletop import world as tabletop_physics
from wtl.collection.worlds.tabletop_joints import observation as joint_observation
from wtl.collection.worlds.tabletop_joints import tabletop_joints
from wtl.collection.worlds.tabletop_joints import world as joint_physics
from wtl.datasets.contract.layout import slices

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_PAGES = _ROOT / "docs" / "worlds"
_WORLDS = {
    "tabletop": (tabletop.Manipulation, tabletop_observation.Layout(3)),
    "tabletop_joints": (tabletop_joints.Manipulation, joint_observation.Layout(3)),
    "reacher": (reacher.Reacher, reacher_observation.Layout(2)),
}


_each_page = pytest.mark.parametrize(
    "page",
    [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")],
    ids=lambda page: str(page.relative_to(_ROOT)),
)


def _table(page: str, heading: str) -> list[list[str]]:
    """Cells of the body of the table under a heading."""
    section = (_PAGES / f"{page}.md").read_text().split(f"\n## {heading}\n")[1]
    rows = re.findall(r"^\|(.*)\|$", section.split("\n## ")[0], re.M)[2:]
    return [[cell.strip() for cell in row.split("|")] for row in rows]


def _written(start: int, stop: int) -> str:
    return f"{start}–{stop - 1}" if stop - start > 1 else str(start)


def _parts(layout) -> list[tuple[str, str, str]]:
    """Indices as documented, row and part, of everything in a state vector."""
    found = []
    for row, (place, shape) in layout.rows.items():
        starts = range(place.start, place.stop, shape[-1])
        for part, within in slices(layout.tables[row]).items():
            indices = [_written(s + within.start, s + within.stop) for s in starts]
            found.append((", ".join(indices), row, part))
    return found


@pytest.mark.parametrize("world", _WORLDS)
def test_every_number_of_an_observation_is_documented(world):
    _, layout = _WORLDS[world]
    documented = [tuple(row[:3]) for row in _table(world, "Observation")]
    assert documented == _parts(layout)
    assert (
        f"vector of {layout.state_size} numbers" in (_PAGES / f"{world}.md").read_text()
    )
    assert all(row[3] and row[4] for row in _table(world, "Observation"))


@pytest.mark.parametrize("world", _WORLDS)
def test_every_dimension_of_an_action_is_documented(world):
    environment, _ = _WORLDS[world]
    documented = [tuple(row[:2]) for row in _table(world, "Action")]
    assert documented == [(str(i), axis) for i, axis in enumerate(environment.axes)]
    text = (_PAGES / f"{world}.md").read_text()
    assert f"Control rate {environment.control_hz:g} Hz" in text
    assert f"Horizon {environment.horizon} control steps" in text


def test_scales_of_actions_are_documented():
    units = [row[4] for row in _table("tabletop", "Action")]
    step = f"{tabletop_physics.TRANSLATION_STEP} m per control step"
    assert units[:3] == [step] * 3
    assert units[3] == f"{tabletop_physics.YAW_STEP} rad per control step"
    units = [row[4] for row in _table("tabletop_joints", "Action")]
    steps = [f"{step:g} rad per control step" for step in joint_physics.JOINT_STEP]
    assert units[:6] == steps
    torques = [row[2] for row in _table("reacher", "Action")]
    assert torques == [f"{torque} Nm" for torque in arm.TORQUES]


def test_families_of_the_tabletop_are_documented():
    from wtl.collection.worlds.tabletop.families import FAMILIES

    documented = [row[0] for row in _table("tabletop", "Families and success")]
    assert documented == list(FAMILIES)


def test_point_robots_are_documented():
    (observed,) = _table("point_robot", "Observation")
    assert observed[0] == _written(0, PointRobots.observation_size)
    assert len(_table("point_robot", "Action")) == PointRobots.action_size
    page = (_PAGES / "point_robot.md").read_text()
    assert f"Horizon {PointRobots.horizon} steps" in page


def test_strikes_are_documented():
    documented = [row[:2] for row in _table("strikes", "Observation")]
    start = 0
    for (where, name), (part, width) in zip(
        documented, strike_tasks.OBSERVATION.items(), strict=True
    ):
        assert (where, name) == (_written(start, start + width), part)
        start += width
    page = (_PAGES / "strikes.md").read_text()
    assert f"Horizon {strike_tasks.StrikeTasks.horizon} control steps" in page


_DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/glossary.md", "docs/worlds.md"]


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_modules_and_folders_that_a_document_names_exist(document):
    text = (_ROOT / document).read_text()
    for name in set(re.findall(r"`(wtl(?:\.[a-z_0-9]+)+)", text)):
        path = _ROOT / name.replace(".", "/")
        if name.split(".")[1] in ("datasets", "policies", "collection"):
            path = _ROOT / name.partition(".")[2].replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name
    floors = r"`((?:wtl|datasets|policies|collection|tests|benchmarks)/[\w./]*)`"
    for name in set(re.findall(floors, text)):
        assert (_ROOT / name).exists(), name


def _slug(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.strip().replace(" ", "-")


@_each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!\w+:)([^)\s]*)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.M)
            assert anchor in map(_slug, headings), target


@_each_page
def test_headers_descend_level_by_level(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_a_page_names_every_file_of_results():
    results = _ROOT / "docs" / "results"
    text = "".join(page.read_text() for page in (_ROOT / "docs").rglob("*.md"))
    for path in (*results.rglob("*.json"), *results.rglob("*.svg")):
        name = path.relative_to(results)
        folder = f"`{name.parent}/`" if path.suffix == ".json" else None
        assert str(name) in text or folder in text, name
