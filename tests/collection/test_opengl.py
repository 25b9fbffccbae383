"""MUJOCO_GL, and OpenGL beside TensorFlow in one process."""

import os
import subprocess
import sys

import pytest

from wtl.collection import opengl


def _run(script: str, value: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "MUJOCO_GL": value},
    )


@pytest.mark.parametrize("value", ("glx", "Disabled"))
def test_a_value_that_does_not_work_stops_no_import(value):
    script = (
        "import wtl, mujoco\nfrom wtl.collection import opengl\n"
        "import dm_control.mjcf\nprint(repr(opengl.ignored))"
    )
    done = _run(script, value)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == repr("glx" if value == "glx" else "")


_OWN_WORLD = """
import sys
import wtl, mujoco
from dm_control import mujoco as dm_mujoco
from wtl.collection.worlds.plain.task import PlainScene, PlainTask
with PlainScene(PlainTask("a", "b", "train"), 1).calling("reset fails"):
    if sys.argv[1] == "mujoco":
        mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8)
    dm_mujoco.Physics.from_xml_string("<mujoco/>").render(8, 8)
"""


@pytest.mark.parametrize("library", ("mujoco", "dm_control"))
def test_a_world_of_ones_own_that_renders_without_opengl_says_what_to_set(library):
    done = _run(_OWN_WORLD, "disable", library)
    assert done.stderr.splitlines()[-1].endswith("MUJOCO_GL to egl or osmesa")


_SPAWN = """
import multiprocessing, sys
import wtl

def say():
    print("tensorflow" in sys.modules)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=say)
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


def test_workers_import_no_tensorflow_whatever_the_backend(tmp_path):
    # A worker that renders beside TensorFlow would start another one, without end.
    script = tmp_path / "script.py"
    script.write_text(_SPAWN)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env={**os.environ, "MUJOCO_GL": "egl"},
    )
    assert (done.returncode, done.stdout.split()) == (0, ["False"]), done.stderr


_RENDER = """
import sys
if sys.argv[1] == "tensorflow":
    import tensorflow
import wtl
from wtl.collection.worlds import registry
from wtl.datasets.contract.camera import CameraConfig
world = registry.get("tabletop")
env = world.make_env(world.tasks("test", 0)[0], 1, CameraConfig(16))
assert env.reset().observation["image"].any()
import tensorflow
sys.exit(7)
"""


@pytest.mark.slow
@pytest.mark.parametrize("value, first", (("egl", "wtl"), ("", "tensorflow")))
def test_a_process_that_renders_beside_tensorflow_ends_with_its_status(value, first):
    try:
        if opengl.find_renderer()[0] != "egl":
            pytest.skip("there is no EGL")
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    for _ in range(3):
        assert _run(_RENDER, value, first).returncode == 7
