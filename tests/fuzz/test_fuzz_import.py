"""Damaged files of other formats: imported as sound data, or refused in one line."""

import shutil

import fake_lerobot
import fake_rlds
import h5py
import numpy as np
import pytest
from damage import DAMAGES, damaged, run
from hypothesis import given
from hypothesis import strategies as st


def _robomimic(folder):
    folder.mkdir()
    rng = np.random.default_rng(0)
    with h5py.File(folder / "demos.hdf5", "w") as file:
        for i in range(3):
            group = file.create_group(f"data/demo_{i}")
            group.attrs["num_samples"] = 5
            group["actions"] = rng.uniform(-1, 1, (5, 3))
            group["rewards"] = np.eye(5)[4]
            group["dones"] = np.eye(5, dtype=int)[4]
            group["obs/joints"] = rng.normal(size=(5, 4))
            group["obs/camera"] = rng.integers(0, 255, (5, 6, 8, 3), np.uint8)
    return folder


def _rlds(folder):
    builder = fake_rlds.Rich(data_dir=str(folder))
    builder.download_and_prepare()
    return builder.data_path


_ROBOMIMIC = (
    "--map=state=obs/joints",
    "--map=camera=obs/camera",
    "--map=action=actions",
)
_SETS = ("--set=family=lift", "--set=task_id=lift", "--set=control_hz=10")
# Format: (writer of a sound source, options of the import, file to name in it).
SOURCES = {
    "robomimic": (_robomimic, (*_ROBOMIMIC, *_SETS), "demos.hdf5"),
    "rlds": (_rlds, ("--set=control_hz=5",), ""),
    "lerobot": (lambda f: fake_lerobot.write(f, "v3.0"), (), ""),
    "lerobot 2.1": (lambda f: fake_lerobot.write(f, "v2.1"), (), ""),
}


@pytest.fixture(scope="module", params=SOURCES)
def source(request, tmp_path_factory):
    """A folder, its format, and the options and the file to import it with."""
    write, options, file = SOURCES[request.param]
    folder = write(tmp_path_factory.mktemp("source") / "in")
    return folder, request.param.split()[0], options, file


@given(damages=st.just([]) | DAMAGES)
def test_import_is_sound_or_refused(source, tmp_path, capsys, damages):
    folder, form, options, file = source
    damaged(folder, tmp_path / "in", damages)
    given_ = ("import", tmp_path / "in" / file, f"--format={form}", *options)
    try:
        done = run(capsys, *given_, "--name=demos", f"--out={tmp_path}/out")
        assert done or damages
        if done:
            assert run(capsys, "verify", tmp_path / "out/demos")
        assert {path.name for path in tmp_path.iterdir()} <= {"in", "out"}
    finally:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
