"""Apache Beam gives the episodes that this machine's own processes give."""

import importlib.util
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import pytest
from fake_shards import FakeShard

from wtl.collection.worker import WorkerError
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import checksums, shard_file
from wtl.datasets.storage.staging import StagingWriter, encoded, iterate_staged
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.pipeline.beam_runner import BeamRunner

ROOT = pathlib.Path(__file__).resolve().parents[2]
_SHARDS = [FakeShard(tuple(range(i, i + 3))) for i in range(0, 15, 3)]


@pytest.fixture(autouse=True)
def path_of_workers(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.fixture
def writer(tmp_path):
    with StagingWriter(tmp_path / "staged", SPEC) as writer:
        yield writer


def _assert_staged(writer, shards):
    """Every episode is there once, as it is, and no shard file is left behind."""
    found = {e.id: encoded(e, SPEC) for e in iterate_staged(writer.directory)}
    numbers = {number for shard in shards for number in shard.numbers}
    expected = [fake_episode(number) for number in numbers]
    assert found == {e.id: encoded(e, SPEC) for e in expected}
    assert len(writer.episode_ids) == len(expected)
    assert [p.name for p in writer.directory.parent.iterdir()] == ["staged"]


def _play(runner, shards, writer):
    played = list(runner.play(shards, writer))
    assert sorted(s.name for s, _ in played) == sorted({s.name for s in shards})
    for shard, there in played:
        assert there == set(shard.episode_ids)


def _shard_files(writer) -> pathlib.Path:
    return writer.directory.with_name("staged.shards")


beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed: pip install -e '.[beam]'",
)


@pytest.mark.slow
@beam
def test_bundles_played_twice_give_each_episode_once(writer):
    shards = [*_SHARDS, FakeShard((50,), renders=True)]
    _play(BeamRunner(workers=2), shards * 2, writer)
    _assert_staged(writer, shards)


@beam
def test_a_killed_worker_is_reported_and_loses_nothing(writer, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    shards = [FakeShard((100,), fatal=mine / "fatal"), *_SHARDS]
    runner = BeamRunner(workers=2)
    with pytest.raises(WorkerError, match="a Beam worker died.*rerun the command"):
        list(runner.play(shards, writer))
    runner.adopt(writer)
    there = writer.episode_ids
    _play(runner, [s for s in shards if not there.issuperset(s.episode_ids)], writer)
    shutil.rmtree(mine)
    _assert_staged(writer, shards)


@pytest.mark.slow
@beam
def test_a_process_ends_after_a_worker_was_killed(tmp_path):
    script = f"""
import pathlib
from fake_shards import FakeShard
from wtl.datasets.testing.fakes import SPEC
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline.beam_runner import BeamRunner
shards = [FakeShard((i,)) for i in range(8)]
shards.insert(3, FakeShard((9,), fatal=pathlib.Path("{tmp_path}/fatal")))
with StagingWriter("{tmp_path}/staged", SPEC) as writer:
    list(BeamRunner(workers=2).play(shards, writer))
"""
    # The output ends only when all who hold it, workers among them, have ended.
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 1
    assert "WorkerError: a Beam worker died" in ended.stderr


@beam
def test_an_error_in_a_shard_is_reported_in_one_line(writer):
    shards = [FakeShard((100,), fails=ValueError)]
    with pytest.raises(WorkerError, match="failed: .*no such scene") as raised:
        list(BeamRunner(workers=1).play(shards, writer))
    assert "\n" not in str(raised.value)


@beam
def test_an_error_of_the_user_is_that_line_and_leaves_nothing(writer, capfd):
    shards = [FakeShard((100,), fails=UserError)]
    with pytest.raises(UserError, match="^no such scene$"):
        list(BeamRunner(workers=1).play(shards, writer))
    assert "Traceback" not in capfd.readouterr().err
    _play(BeamRunner(workers=1), _SHARDS[:1], writer)
    _assert_staged(writer, _SHARDS[:1])


@beam
def test_a_thread_that_ends_while_workers_are_sought_is_passed_over(monkeypatch):
    from wtl.collection import beam_pipeline

    glob = pathlib.Path.glob

    def with_ended(folder, pattern):
        return [folder / "0" / "children", *glob(folder, pattern)]

    monkeypatch.setattr(pathlib.Path, "glob", with_ended)
    assert beam_pipeline._local_workers(os.getpid()) == []


@beam
def test_what_arrived_before_the_driver_was_killed_is_adopted(writer):
    from wtl.collection.beam_pipeline import Play

    play = Play(SPEC, _shard_files(writer))
    for shard in _SHARDS:
        assert list(play.process(pickle.dumps(shard))) == [3]
    damaged = sorted(_shard_files(writer).iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    BeamRunner(workers=1).adopt(writer)
    assert len(writer.episode_ids) == 12
    assert not list(_shard_files(writer).iterdir())


@beam
def test_a_shard_file_of_other_bytes_leaves_the_first(writer):
    other = fake_episode(1, notes="rounded otherwise")
    first = fake_episode(1)
    writer.append(first)
    shard_file.write(_shard_files(writer), "again", [encoded(other, SPEC)])
    BeamRunner(workers=1).adopt(writer)
    (found,) = iterate_staged(writer.directory)
    assert found.metadata == first.metadata


@beam
def test_unknown_runners_are_complained_of():
    with pytest.raises(UserError, match="--pipeline_options are wrong.*NoRunner"):
        BeamRunner(1, ("--runner=NoRunner",))


@pytest.mark.slow
@beam
def test_dask_plays_shards_in_two_processes_and_repeats_what_was_killed(
    writer, tmp_path, capsys
):
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    mine = tmp_path / "mine"
    mine.mkdir()
    shards = [FakeShard((100,), fatal=mine / "fatal"), *_SHARDS]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        options = (
            "--runner=apache_beam.runners.dask.dask_runner.DaskRunner",
            f"--dask_client_address={cluster.scheduler_address}",
        )
        _play(BeamRunner(2, options), shards, writer)
    assert "anyone who reaches their ports" in capsys.readouterr().err
    assert (mine / "fatal").exists()
    shutil.rmtree(mine)
    _assert_staged(writer, shards)


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def _stage(stage: str, run_dir, *arguments: str) -> int:
    tiny = f"--gin_file={ROOT}/tests/tiny.gin"
    return _wtl(stage, tiny, f"--run_dir={run_dir}", *arguments)


def test_without_beam_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "wtl.collection.beam_pipeline", raising=False)
    monkeypatch.delattr("wtl.collection.beam_pipeline", raising=False)
    assert _stage("collect_demos", tmp_path / "run", "--runner=beam") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("wtl: --runner=beam needs Apache Beam")
    assert "pip install -e '.[beam]'" in said


def test_options_of_beam_without_beam_are_refused(tmp_path, capsys):
    options = "--pipeline_options=--direct_num_workers=2"
    assert _stage("collect_demos", tmp_path / "run", options) == 1
    assert "--runner=beam" in capsys.readouterr().err


def _adopt(finished, run_dir, *stages: str):
    """Let a run have made the same in some stages, policies among it."""
    shutil.copytree(finished / "policies", run_dir / "policies", dirs_exist_ok=True)
    lineage = json.loads((finished / "lineage.json").read_text())
    kept = {stage: lineage[stage] for stage in stages}
    (run_dir / "lineage.json").write_text(json.dumps(kept))


@beam
@pytest.mark.slow
def test_episodes_are_those_of_local_workers(finished_run, tmp_path):
    run_dir = tmp_path / "beam"
    done = ["collect_demos", "train_trial"]
    assert _stage("collect_demos", run_dir, "--runner=beam") == 0
    _adopt(finished_run, run_dir, *done)
    assert _stage("collect_trials", run_dir, "--runner=beam") == 0
    _adopt(finished_run, run_dir, *done, "collect_trials", "train_retrial")
    assert _stage("evaluate", run_dir, "--runner=beam") == 0
    rows = [run / "evaluation" / "episodes.csv" for run in (finished_run, run_dir)]
    assert rows[0].read_text() == rows[1].read_text()
    for dataset in (fields.WTL_DEMOS, fields.WTL_TRIALS, fields.WTL_EVALUATIONS):
        found = [
            checksums.fingerprint(run / "datasets" / dataset / "1.0.0")
            for run in (finished_run, run_dir)
        ]
        assert found[0] == found[1], dataset
