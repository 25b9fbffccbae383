"""Export to rerun's recordings, read by its own command."""

import os
import pathlib
import subprocess
import sys

import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import observed
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import fake_episode

_SPEC = EpisodeSpec(
    observed(7, 16, wrist=True), action_size=3, physics_size=4, interventions=False
)


def _published(root: pathlib.Path) -> pathlib.Path:
    with StagingWriter(root / "staged", _SPEC) as writer:
        for index in range(3):
            writer.append(fake_episode(index, _SPEC, transitions=4))
    return publish.publish(root / "staged", root, "wtl_demos", "1.0.0", _SPEC, {})


def _export(source, folder) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", str(source), str(folder), "--format=rerun"])
    return stopped.value.code


def test_every_episode_is_a_recording(tmp_path, capsys):
    pytest.importorskip("rerun")
    source, folder = _published(tmp_path / "in"), tmp_path / "out"
    assert _export(source, folder) == 0, capsys.readouterr().err
    episodes = list(reader.iterate_episodes(source))
    files = sorted(folder.glob("*.rrd"))
    assert len(files) == len(episodes) == 3
    tool = pathlib.Path(sys.executable).with_name("rerun")
    for file, episode in zip(files, episodes, strict=True):
        asked = [tool, "rrd", "print", "-vvv", file]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)
        for name in episode.steps:
            left_out = name in (fields.PHYSICS_STATE, fields.TIMESTAMP)
            assert (f"/{name}" in done.stdout) is not left_out, name
        assert episode.id in done.stdout
        for action in episode.steps[fields.ACTION].astype(float).tolist():
            assert str(action) in done.stdout


def test_nothing_is_overwritten_and_the_extra_is_named(tmp_path, capsys, monkeypatch):
    source = _published(tmp_path / "in")
    monkeypatch.setitem(sys.modules, "rerun", None)
    assert _export(source, tmp_path / "out") == 1
    assert "pip install 'wtl[rerun]'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["in"]
