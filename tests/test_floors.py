"""Imports go down only: datasets, policies, collection, wtl; and in no circle."""

import ast
import graphlib
import pathlib
import re

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]
# From the ground up; each may import itself and what stands before it.
_FLOORS = ("datasets", "policies", "collection", "wtl")


def _modules() -> dict[str, pathlib.Path]:
    """Module name -> file, of all modules of all floors."""
    found = {}
    for floor in _FLOORS:
        for path in (_ROOT / floor).rglob("*.py"):
            parts = path.relative_to(_ROOT).with_suffix("").parts
            parts = parts if floor == "wtl" else ("wtl", *parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


_MODULES = _modules()


def _floor(module: str) -> int:
    second = module.split(".")[1:2]
    return _FLOORS.index(second[0]) if second and second[0] in _FLOORS else 3


def _imports(path: pathlib.Path, only_at_import: bool = False) -> set[str]:
    """Modules of ours that a module imports.

    Args:
      path: its file.
      only_at_import: leave out imports inside functions and for type checkers.
    """
    found = set()

    def visit(node):
        if only_at_import:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                return
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in _MODULES else node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found & _MODULES.keys()


@pytest.mark.parametrize("floor", _FLOORS)
def test_imports_go_down_only(floor):
    upward = [
        f"{name} imports {imported}"
        for name, path in _MODULES.items()
        if _floor(name) == _FLOORS.index(floor)
        for imported in _imports(path)
        # `wtl` itself only makes the others importable.
        if _floor(imported) > _FLOORS.index(floor) and imported != "wtl"
    ]
    assert not upward


def test_pygame_is_imported_nowhere():
    # Its pinned version carries an old libwebp; see docs/trust.md.
    importing = re.compile(r"^\s*(import|from) pygame\b", re.M)
    assert not [n for n, p in _MODULES.items() if importing.search(p.read_text())]


def test_no_module_imports_itself_in_a_circle():
    graph = {
        name: _imports(path, only_at_import=True) - {name}
        for name, path in _MODULES.items()
    }
    # Raises CycleError, which names the circle.
    list(graphlib.TopologicalSorter(graph).static_order())


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in _MODULES.values()}
    assert not [f for f in folders if not (f / "__init__.py").is_file()]


def test_worlds_are_reached_through_the_registry_only():
    """No module outside `collection.worlds` imports the code of a world."""
    worlds = "wtl.collection.worlds."
    inside = [
        f"{name} imports {imported}"
        for name, path in _MODULES.items()
        if not name.startswith(worlds)
        for imported in _imports(path)
        if imported.startswith(worlds)
        and "." in imported.removeprefix(worlds)
        # Point robots are tasks of meta-reinforcement learning alone, and no world.
        and "point_robot" not in imported
        # Plain worlds are made of the environments of users, here or at a server.
        and not imported.startswith((f"{worlds}plain", f"{worlds}remote"))
    ]
    assert not inside
