"""Search for an OpenGL that renders off screen."""

import functools
import os
import subprocess
import sys

from wtl.datasets.contract.errors import UserError

_BACKENDS = ("egl", "osmesa")
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
    wished = os.environ.get("MUJOCO_GL")
    for backend in (wished,) if wished in _BACKENDS else _BACKENDS:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE, backend],
            capture_output=True,
            text=True,
            check=False,
        )
        if tried.returncode == 0:
            return backend, tried.stdout.strip().splitlines()[-1]
    raise RendererNotFoundError(
        "images can't be rendered: neither EGL nor OSMesa works here; install one of "
        "them (Debian and Ubuntu: apt-get install libegl1 libegl-mesa0, or libosmesa6)"
    )


def is_software(renderer: str) -> bool:
    """Return whether the renderer of a name uses no GPU."""
    return any(name in renderer.lower() for name in ("llvmpipe", "softpipe", "swrast"))
