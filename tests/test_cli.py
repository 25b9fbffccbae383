"""Commands that need no run."""

import subprocess
import sys

import pytest

from wtl.collection.worlds.tabletop import renderer
from wtl.commands import cli


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def test_doctor_names_versions_and_the_renderer(monkeypatch, capsys):
    monkeypatch.setattr(
        renderer, "find_renderer", lambda: ("egl", "llvmpipe (LLVM 15, 256 bits)")
    )
    assert _wtl("doctor") == 0
    said = capsys.readouterr().out
    assert "tensorflow" in said and "mujoco" in said
    assert "llvmpipe (LLVM 15, 256 bits) (egl, software)" in said


def test_doctor_names_what_to_install_where_nothing_renders(monkeypatch, capsys):
    def nothing_renders():
        raise renderer.RendererNotFoundError("install libosmesa6")

    monkeypatch.setattr(renderer, "find_renderer", nothing_renders)
    assert _wtl("doctor") == 0
    said = capsys.readouterr().out
    assert "none: install libosmesa6" in said and "images need it" in said


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom wtl.commands import cli\n"
        "print({'tensorflow', 'mujoco', 'apache_beam'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
