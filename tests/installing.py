"""Distributions built offline from copies, so that nothing is left in the tree."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "tests" / "plugin"
FLOORS = ("wtl", "collection", "policies", "datasets", "gin_configs")
_PROJECT = (*FLOORS, "pyproject.toml", "setup.py", "README.md", "LICENSE")


def copy_of_wtl(folder: pathlib.Path) -> pathlib.Path:
    """Copy what a wheel of WTL is built from; return the copy."""
    for name in _PROJECT:
        copied = shutil.copy if (ROOT / name).is_file() else _copy_tree
        folder.mkdir(exist_ok=True)
        copied(ROOT / name, folder / name)
    return folder


def copy_of_plugin(folder: pathlib.Path) -> pathlib.Path:
    """Copy the package with a world and a method; return the copy."""
    return _copy_tree(PLUGIN, folder)


def _copy_tree(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    return shutil.copytree(source, target, ignore=ignored)


def pip(command: str, *arguments, python: str = sys.executable):
    """Run pip with the packages that are there, for an interpreter."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    options = ["-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [*pip, "--python", python, command, *options, *arguments],
        check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
