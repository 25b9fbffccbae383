"""Benchmarks sum up their measurements."""

import pathlib
import sys

import pytest

from benchmarks import peers, stages
from wtl.datasets.contract.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[1]


def _line(seconds, *functions) -> str:
    """Samples of a stack of `file:function`, root first, as the profiler has them."""
    frames = [f"{f.rpartition(':')[2]} ({f.rpartition(':')[0]}:1)" for f in functions]
    return f"{';'.join(['process 1:python -c 0', *frames])} {20 * seconds}"


def test_samples_are_put_down_to_what_they_are_for():
    stage = f"{ROOT}/wtl/pipeline/collect_demos.py:collect_demos"
    python = "/usr/lib/python3.11"
    found = stages.stage(
        "collect_demos",
        8,
        [
            _line(2, "<frozen importlib._bootstrap>:_find_and_load", "/x/a.py:b"),
            _line(
                2,
                stage,
                f"{ROOT}/datasets/storage/staging.py:StagingWriter.append",
                f"{python}/site-packages/numpy/core.py:copy",
            ),
            _line(5, stage, f"{python}/multiprocessing/connection.py:Connection._recv"),
            _line(1, stage, f"{ROOT}/collection/workers.py:step"),
            _line(5, f"{ROOT}/collection/worlds/tabletop/world.py:step"),
        ],
    )
    assert (found.name, found.wall, found.busy) == ("collect_demos", 8, 10)
    assert found.shares["start-up"] == pytest.approx(2 / 10)
    assert found.shares["physics"] == pytest.approx(5 / 10)
    assert found.shares["writing"] == pytest.approx(2 / 10)
    assert found.other == pytest.approx(1 / 8)
    assert "MISSED" in str(found)


def test_our_world_is_stepped_as_its_peers_are(monkeypatch):
    monkeypatch.setattr(peers, "_SECONDS", 0.05)
    with peers.Stepper("wtl", sys.executable) as stepper:
        assert stepper.rate() > 1


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "_BUILD", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(UserError, match="metaworld can't be installed") as raised:
        peers.installed("metaworld")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "metaworld" / "installed.txt").exists()
