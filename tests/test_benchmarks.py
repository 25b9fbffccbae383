"""Benchmarks sum up their measurements."""

import pathlib
import sys

import pytest

from benchmarks import peers, stages
from wtl.datasets.contract.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[1]


def _trace(*spans) -> list[dict]:
    """Events of a trace; each span is from, to, process and stack, root first."""
    events = []
    for start, end, process, functions in spans:
        common = {"pid": process, "tid": 1}
        ordered = [("B", start, f) for f in functions]
        ordered += [("E", end, f) for f in reversed(functions)]
        for kind, when, function in ordered:
            file, _, name = function.rpartition(":")
            known = {"ph": kind, "ts": when * 1_000_000, "name": name}
            events.append(known | {"args": {"filename": file}} | common)
    return events


def test_samples_are_put_down_to_what_they_are_for():
    stage = f"{ROOT}/wtl/pipeline/collect_demos.py:collect_demos"
    python = "/usr/lib/python3.11"
    found = stages.stages(
        _trace(
            (0, 2, 1, ["<frozen importlib._bootstrap>:_find_and_load", "/x/a.py:b"]),
            (
                2,
                4,
                1,
                [
                    stage,
                    f"{ROOT}/datasets/storage/staging.py:StagingWriter.append",
                    f"{python}/site-packages/numpy/core.py:copy",
                ],
            ),
            (
                4,
                9,
                1,
                [stage, f"{python}/multiprocessing/connection.py:Connection._recv"],
            ),
            (9, 10, 1, [stage, f"{ROOT}/collection/workers.py:step"]),
            (3, 8, 2, [f"{ROOT}/collection/worlds/tabletop/world.py:step"]),
            (3, 10, 3, [f"{python}/multiprocessing/process.py:BaseProcess.run"]),
        )
    )
    demos, whole = found
    assert (demos.name, demos.wall, demos.busy) == ("collect_demos", 8, 8)
    assert demos.shares["physics"] == pytest.approx(5 / 8)
    assert demos.shares["writing"] == pytest.approx(2 / 8)
    assert demos.other == pytest.approx(1 / 8)
    assert "MISSED" in str(demos)
    assert whole.shares["start-up"] == pytest.approx(2 / 10)
    assert whole.other == pytest.approx(1 / 8)


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
