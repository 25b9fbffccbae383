"""docs/third_party.md is made from the lock and the metadata of its packages."""

import importlib.util
import pathlib
import tomllib

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SPEC = importlib.util.spec_from_file_location(
    "third_party", _ROOT / "docs" / "third_party.py"
)
third_party = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(third_party)


def test_the_page_is_current():
    current = third_party.PAGE.read_text(encoding="utf-8")
    assert current == third_party.page(), "run `python docs/third_party.py`"


def test_every_dependency_is_listed():
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    needed = {d.split(">")[0].split("=")[0] for d in project["dependencies"]}
    listed = {name.replace("_", "-") for name in third_party.locked()}
    missing = {name.lower().replace("_", "-") for name in needed} - listed
    assert not missing, "run `make lock`"
