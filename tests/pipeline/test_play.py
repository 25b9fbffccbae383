"""Videos of policies and of the scripted expert."""

import pathlib
import xml.etree.ElementTree as ET

import av
import numpy as np
import pytest

from wtl.collection import opengl
from wtl.commands import cli

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _wtl(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def _play(run_dir, *arguments, world: str = "tests/tiny.gin") -> int:
    return _wtl(
        "play", f"--gin_file={ROOT}/{world}", f"--run_dir={run_dir}", *arguments
    )


def test_a_film_shows_an_episode_in_its_own_time(tmp_path):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    run_dir = tmp_path / "run"
    assert _play(run_dir, "--who=demonstrator", "--family=push") == 0
    with av.open(str(run_dir / "play/demonstrator.mp4")) as container:
        assert container.streams.video[0].average_rate == 10
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(frames) == 41 + 10  # the last stays for a second
    moved = np.abs(frames[0].astype(int) - frames[40]).max(axis=-1)
    assert (moved > 60).mean() > 0.005
    assert np.abs(frames[40].astype(int) - frames[-1]).mean() < 1


def test_without_opengl_or_cameras_it_is_drawn(tmp_path, capsys):
    run_dir = tmp_path / "run"
    reacher = "gin_configs/reacher.gin"
    assert _play(run_dir, "--who=demonstrator", world=reacher) == 0
    assert "demonstrator.svg (drawn from the states" in capsys.readouterr().out
    ET.fromstring((run_dir / "play/demonstrator.svg").read_text())
    assert not list(run_dir.rglob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--who=unknown"], "--who names 'unknown'; choose from demonstrator, wtl"),
        (["--who=mil"], "run `wtl train_trial`"),
        (["--who=demonstrator", "--family=fly"], "--family names 'fly'; choose from"),
        (["--who=demonstrator", "--task=5"], "there is no task 5: test has 5"),
        (["--who=demonstrator", "--out=film.gif"], ".mp4 or .svg"),
    ],
)
def test_what_cannot_be_played_is_one_line(tmp_path, capsys, arguments, said):
    assert _play(tmp_path / "run", *arguments) == 1
    assert said in capsys.readouterr().err.strip().splitlines()[-1]
