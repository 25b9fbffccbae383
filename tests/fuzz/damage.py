"""Random damage to the files of a folder, and commands that must survive it."""

import dataclasses
import json
import pathlib
import re
import shutil
from typing import Any

import pytest
from hypothesis import strategies as st

from wtl.commands import cli

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(("../x", "/etc/passwd", "~", "\x1b[2J", "[0-9]", "NaN", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


@dataclasses.dataclass(frozen=True)
class Damage:
    """Change of one file.

    Attributes:
      way: kind of change.
      file: which file, as a share of all in order.
      at: where in it, as a share of its length or of the nodes of its JSON.
      data: bytes that are written.
      node: JSON value that is written.
    """

    way: str
    file: float
    at: float
    data: bytes
    node: Any

    def apply(self, folder: pathlib.Path) -> None:
        """Change the file."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return
        path = files[int(self.file * len(files))]
        if self.way == "remove":
            path.unlink()
        elif self.way == "json" and path.suffix in (".json", ".jsonl"):
            path.write_text(self._edited(path.read_text(errors="replace")))
        else:
            data = bytearray(path.read_bytes())
            start = int(self.at * len(data))
            end = {"cut": len(data), "insert": start}.get(
                self.way, start + len(self.data)
            )
            data[start:end] = b"" if self.way == "cut" else self.data
            path.write_bytes(data)

    def _edited(self, text: str) -> str:
        lines = text.splitlines() or [""]
        number = int(self.at * len(lines)) if text.startswith("{") else 0
        try:  # one document of several lines, or one in each line
            return json.dumps(self._with_node(json.loads(text)))
        except ValueError:
            pass
        try:
            lines[number] = json.dumps(self._with_node(json.loads(lines[number])))
        except ValueError:
            lines[number] = json.dumps(self.node)
        return "\n".join(lines)

    def _with_node(self, tree):
        places = list(_places(tree))
        if not places:
            return self.node
        parent, key = places[int(self.at * len(places))]
        parent[key] = self.node
        return tree


def _places(tree):
    """Yield each container of a JSON tree with each of its keys."""
    if not isinstance(tree, dict | list):
        return
    children = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, child in list(children):
        yield tree, key
        yield from _places(child)


_SHARES = st.floats(0, 1, exclude_max=True)
DAMAGES = st.lists(
    st.builds(
        Damage,
        way=st.sampled_from(("json", "overwrite", "insert", "cut", "remove")),
        file=_SHARES,
        at=_SHARES,
        data=st.binary(min_size=1, max_size=48),
        node=_JSON,
    ),
    min_size=1,
    max_size=3,
)


def damaged(source: pathlib.Path, target: pathlib.Path, damages: list[Damage]):
    """Copy a folder, or a file into a folder, and damage the copy."""
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir(parents=True)
        shutil.copy(source, target)
    for damage in damages:
        damage.apply(target)


def run(capsys, *arguments) -> bool:
    """Run a command; return whether it succeeded.

    If not, it must say in one line of its own what is wrong.
    """
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments)])
    out, error = capsys.readouterr()
    assert ended.value.code in (0, 1), (ended.value.code, error)
    assert "\x1b" not in out + error
    if ended.value.code == 0:
        return True
    # Progress bars begin their lines anew.
    last = re.split(r"[\r\n]", error.strip())[-1]
    assert last.startswith("wtl: ") and "--verbosity" not in last, error
    return False


def tree(folder: pathlib.Path) -> set[str]:
    """Return the relative paths of everything in a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
