"""Commands that need no run."""

import pathlib
import re
import subprocess
import sys

import pytest

from wtl.collection.worlds.tabletop import renderer
from wtl.commands import cli

_ROOT = pathlib.Path(__file__).resolve().parents[1]


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
    def nothing():
        raise renderer.RendererNotFoundError("install libosmesa6")

    monkeypatch.setattr(renderer, "find_renderer", nothing)
    assert _wtl("doctor") == 0
    said = capsys.readouterr().out
    assert "none: install libosmesa6" in said and "images need it" in said


def _documented() -> dict[str, set[str]]:
    """Options that README and docs name of each verb."""
    found: dict[str, set[str]] = {}
    for page in [_ROOT / "README.md", *(_ROOT / "docs").glob("*.md")]:
        text = page.read_text().replace("\\\n", " ")
        text = re.sub(r"='[^']*'", "", text)  # options of others, such as Beam's
        for verb, rest in re.findall(
            r"(?:^ *|`|&& )wtl ((?:dataset )?[a-z_]+)([^`\n|]*)", text, re.M
        ):
            found.setdefault(verb, set()).update(re.findall(r" \[?(--\w+)", rest))
    return found


@pytest.mark.parametrize("verb, options", sorted(_documented().items()))
def test_commands_of_the_documents_exist(verb, options, capsys):
    assert _wtl(*verb.split(), "--help") == 0
    text = capsys.readouterr().out
    assert not [option for option in options if option not in text]


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom wtl.commands import cli\n"
        "print({'tensorflow', 'mujoco', 'apache_beam'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
