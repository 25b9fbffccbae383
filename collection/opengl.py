"""Search for an OpenGL that renders off screen, and its life beside TensorFlow.

Mesa, which renders without a GPU, and TensorFlow bring an LLVM each. In one process
TensorFlow has to come first, Mesa has to do without its LLVM, and neither survives the
destructors of the other at the end.
"""

import atexit
import contextlib
import ctypes
import functools
import importlib
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

from wtl.datasets.contract.errors import UserError

_BACKENDS = ("egl", "osmesa")
# Values of MUJOCO_GL with which importing MuJoCo opens no OpenGL, and does not fail.
_IDLE = ("", "0", "1", "false", "true", "off", "on", "disable", "disabled")
_IDLE += ("enable", "enabled", "glfw")
_MARK = "WTL_SOFTPIPE"  # in the environment where GALLIUM_DRIVER is set here
_PROBE = """
import importlib, sys
context = importlib.import_module("mujoco." + sys.argv[1]).GLContext(8, 8)
context.make_current()
from OpenGL import GL
print(GL.glGetString(GL.GL_RENDERER).decode())
sys.stdout.flush()
import os
os._exit(0)
"""


# Value of MUJOCO_GL that does not work here and is ignored.
ignored = ""


class RendererNotFoundError(UserError):
    """There is no OpenGL to render with."""


@functools.cache
def find_renderer() -> tuple[str, str]:
    """Find an OpenGL that renders without a display.

    `MUJOCO_GL` names the one to use; otherwise EGL is tried, then OSMesa. Each is
    tried in a process of its own, since PyOpenGL can't switch.

    Returns:
      The backend (`egl` or `osmesa`) and the name of the renderer.

    Raises:
      RendererNotFoundError: if there is none.
    """
    wished = _wished()
    environment = dict(os.environ)
    if environment.pop(_MARK, None):
        del environment["GALLIUM_DRIVER"]  # as in workers, which render
    for backend in (wished,) if wished in _BACKENDS else _BACKENDS:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE, backend],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        if tried.returncode == 0:
            return backend, tried.stdout.strip().splitlines()[-1]
    raise RendererNotFoundError(
        "images can't be rendered: neither EGL nor OSMesa works here; install one of "
        "them (Debian and Ubuntu: apt-get install libegl1 libegl-mesa0, or libosmesa6)"
    )


def open_context(pixels: int):
    """Open a context of OpenGL for square images, and make it current.

    Keep what is returned: a context ends with it. With software OpenGL, a process that
    imports TensorFlow renders twenty times as slowly, and must not have rendered before
    the import: leave the rendering to worker processes.

    Raises:
      RendererNotFoundError: if there is no OpenGL.
    """
    backend, name = find_renderer()
    if is_software(name) and "tensorflow" in sys.modules:
        # Mesa and TensorFlow bring an LLVM each and crash; softpipe has none.
        os.environ["GALLIUM_DRIVER"] = "softpipe"
    # Workers are one per core; Mesa would start a thread per core in each.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    context = importlib.import_module(f"mujoco.{backend}").GLContext(pixels, pixels)
    context.make_current()
    return context


def prepare():
    """Let this process and its children import MuJoCo, whatever `MUJOCO_GL` is.

    With some values the import opens OpenGL. One that does not work here is ignored.
    Call it before MuJoCo is imported.
    """
    global ignored
    atexit.register(_skip_destructors)
    wished = _wished()
    if _is_worker():
        if os.environ.pop(_MARK, None):  # workers have no TensorFlow
            del os.environ["GALLIUM_DRIVER"]
        return
    if wished:
        os.environ["MUJOCO_GL"] = wished
    if wished in _IDLE or "mujoco" in sys.modules:
        return
    renderer = ""
    with contextlib.suppress(RendererNotFoundError):
        renderer = find_renderer()[1] if wished in _BACKENDS else ""
    find_renderer.cache_clear()
    if not renderer:
        ignored = os.environ["MUJOCO_GL"]
        os.environ["MUJOCO_GL"] = "disable"
        return
    if is_software(renderer):
        if os.environ.setdefault("GALLIUM_DRIVER", "softpipe") == "softpipe":
            os.environ[_MARK] = "1"
        importlib.import_module("tensorflow")


@contextlib.contextmanager
def closed() -> Iterator[None]:
    """Let processes that are started meanwhile open no OpenGL when they import MuJoCo.

    Mesa's would crash TensorFlow if they import that later.
    """
    wished = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disable"
    try:
        yield
    finally:
        del os.environ["MUJOCO_GL"]
        if wished is not None:
            os.environ["MUJOCO_GL"] = wished


def _is_worker() -> bool:
    """Whether this process was spawned by another one, also while it begins.

    A child runs the script of its parent before `parent_process` knows of a parent.
    """
    begins = getattr(multiprocessing.current_process(), "_inheriting", False)
    return begins or multiprocessing.parent_process() is not None


def require_tensorflow():
    """Raise UserError where importing TensorFlow would crash this process."""
    if "tensorflow" not in sys.modules and _has_mesa():
        raise UserError(
            "this process has opened Mesa's OpenGL, after which TensorFlow cannot be "
            "imported: import wtl or tensorflow before what renders"
        )


def _wished() -> str:
    return os.environ.get("MUJOCO_GL", "").strip().lower()


def _has_mesa() -> bool:
    maps = pathlib.Path("/proc/self/maps")
    return maps.exists() and "libLLVM" in maps.read_text(encoding="utf-8")


def _skip_destructors():
    """Let the process exit with its status, but without destructors of libraries."""
    if "tensorflow" in sys.modules and _has_mesa():
        libc = ctypes.CDLL(None)
        # The last function that is registered is called first; Python has ended then.
        libc.on_exit(libc._exit, None)
        libc.on_exit(libc.fcloseall, None)


def advice(error: Exception) -> str:
    """Return what to do about a fault in code that renders, or nothing.

    MuJoCo and dm_control offer no OpenGL context in a process whose `MUJOCO_GL` is one
    of those that open none.
    """
    if _wished() not in _IDLE or not re.search("GLContext|OpenGL", str(error)):
        return ""
    return "; to render, set the environment variable MUJOCO_GL to egl or osmesa"


def is_software(renderer: str) -> bool:
    """Return whether the renderer of a name uses no GPU."""
    return any(name in renderer.lower() for name in ("llvmpipe", "softpipe", "swrast"))
