"""Copies of the finished run for tests that write."""

import shutil

import pytest


@pytest.fixture(scope="module")
def tiny_run(finished_run, tmp_path_factory):
    return shutil.copytree(finished_run, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def copied_run(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "copy")
    return tmp_path / "copy"
