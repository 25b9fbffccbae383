"""A run that the tests of the Python API share."""

import shutil

import pytest

import wtl


@pytest.fixture(scope="session")
def run_dir(finished_run, tmp_path_factory):
    folder = shutil.copytree(finished_run, tmp_path_factory.mktemp("api") / "run")
    return wtl.run("tests/tiny.gin", folder, ["evaluate.conditions = ('mil', 'wtl')"])
