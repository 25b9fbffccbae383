"""The wheel: one top-level package, with its data, beside a foreign `datasets`."""

import os
import pathlib
import subprocess
import sys
import zipfile

import installing
import pytest

_IMPORTING = """
import pathlib
import datasets, wtl, wtl.datasets, wtl.policies.methods, wtl.collection.worlds.registry
from wtl import notices
from wtl.collection.worlds import registry
from wtl.pipeline import stages

assert datasets.FOREIGN
here = pathlib.Path(datasets.__file__).parents[1]
for module in (wtl, wtl.datasets, wtl.policies.methods, registry, stages):
    assert pathlib.Path(module.__file__).is_relative_to(here), module
stages.configure("quickstart.gin", [])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    """Wheel built offline from a source distribution of a copy of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "from setuptools.build_meta import build_sdist; build_sdist('..')"
    source = installing.copy_of_wtl(folder / "source")
    subprocess.run(
        [sys.executable, "-c", build], cwd=source, check=True, capture_output=True
    )
    (packed,) = folder.glob("*.tar.gz")
    installing.pip("wheel", "-w", folder, packed)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_one_top_level_package_with_its_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"wtl"}
    expected = []
    for floor in installing.FLOORS:
        inside = "wtl" if floor == "wtl" else f"wtl/{floor}"
        expected += [
            f"{inside}/{path.relative_to(installing.ROOT / floor)}"
            for path in (installing.ROOT / floor).rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and path.name != "BUILD.bazel"
        ]
    assert not set(expected) - names
    packed = {name for name in names if name.startswith("wtl/")}
    assert not packed - set(expected)


@pytest.mark.slow
def test_it_imports_beside_another_package_named_datasets(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("FOREIGN = True\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", _IMPORTING], check=True, cwd=elsewhere, env=environment
    )
    planned = subprocess.run(
        [sys.executable, "-m", "wtl", "quickstart", "--dry_run"],
        check=True,
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "collect_demos          runs" in planned.stdout
    assert not list(elsewhere.iterdir())
