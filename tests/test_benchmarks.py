"""What the benchmarks say of what they measured."""

import dataclasses
import pathlib
import sys

import numpy as np
import pytest

from benchmarks import growth, growth_figure, peers, stages, synthetic
from wtl.collection import recorder
from wtl.collection.worlds.tabletop import observation
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import stack
from wtl.datasets.sampling import sampler

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_examples_can_be_drawn_of_synthetic_tasks():
    spec = dataclasses.replace(recorder.episode_spec(3), physics_size=0)
    tasks = synthetic.Tasks(5, demonstrations=3, trials=4, transitions=6)
    demos, trials = list(tasks.demonstrated(spec)), list(tasks.tried(spec))
    for each in demos + trials:
        episode.validate(each, spec)
    assert len(demos) + len(trials) == tasks.episodes
    demos, trials = stack(demos), stack(trials)
    drawn = sampler.Sampler(
        demos,
        observation.Layout(3),
        identity_share=0.6,
        trials=trials,
        max_trials=2,
    )
    batch = drawn.draw(seeding.generator(0), 200)
    task = demos[fields.TASK_ID]
    np.testing.assert_array_equal(task[batch.demos[:, 0]], task[batch.target])
    assert (batch.demos[:, 0] != batch.target).all()
    assert set(task[batch.target]) == set(task)


def _grown(power: float) -> growth.Growth:
    """A stage whose time and memory grow with a power of the number of tasks."""
    points = [
        (
            synthetic.Tasks(count, 2, 1, 4),
            {"reading": {"seconds": 0.1 * size, "bytes": int(2**24 * size)}},
        )
        for count in (100, 1000, 10_000)
        for size in [(count / 100) ** power]
    ]
    return growth.Growth.of("reading", "tasks", points)


def test_growth_beyond_linear_is_told():
    assert _grown(1.0).exponent == pytest.approx(1.0)
    assert _grown(1.0).linear
    assert "kept" in str(_grown(1.0))
    assert _grown(2.0).memory_exponent == pytest.approx(2.0)
    assert not _grown(2.0).linear
    assert "MISSED" in str(_grown(2.0))
    figure = growth_figure.figure([_grown(1.0)])
    assert all(
        words in figure for words in ("CPU seconds over tasks", "MiB over tasks")
    )


def test_memory_formula_is_recovered():
    points = []
    for tasks in (10, 100, 1000):
        for transitions in (4, 39):
            size = synthetic.Tasks(tasks, 2, 1, transitions)
            held = 2**25 + 5000 * (transitions + 1)
            held += size.episodes * (1000 + 300 * (transitions + 1))
            points.append((size, {"reading": {"bytes": held}}))
    found = growth.Memory.of("reading", points)
    assert found.constant == pytest.approx(2**25, rel=1e-3)
    assert found.per_length == pytest.approx(5000, rel=1e-2)
    assert found.per_episode == pytest.approx(1000, rel=1e-3)
    assert found.per_timestep == pytest.approx(300, rel=1e-3)
    assert found.worst == pytest.approx(0, abs=1e-3)


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
                    f"{ROOT}/datasets/staging.py:StagingWriter.append",
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
            (3, 8, 2, [f"{ROOT}/wtl/envs/world.py:step"]),
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
