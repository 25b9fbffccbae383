"""Worlds of installed packages and of imported modules, and names that clash."""

import dataclasses
import importlib.metadata

import pytest

from wtl.collection.worlds import registry
from wtl.datasets.contract.errors import UserError


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Let each test start without what others have registered."""
    monkeypatch.setattr(registry, "_registered", {})
    registry._installed.cache_clear()
    registry._loaded.cache_clear()
    yield
    registry._installed.cache_clear()
    registry._loaded.cache_clear()


def _install(monkeypatch, **points):
    """Let entry points of our group be these: name -> `module:attribute`."""
    real = importlib.metadata.entry_points

    def entry_points(**selected):
        if selected.get("group") != registry.ENTRY_POINTS:
            return real(**selected)
        return [
            importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINTS)
            for name, value in points.items()
        ]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def _renamed(name: str):
    return dataclasses.replace(registry.get("reacher"), name=name)


def test_the_default_world_comes_first():
    assert registry.names()[0] == registry.DEFAULT
    assert {"tabletop", "reacher", "dense_reacher"} <= set(registry.names())
    assert registry.origin("reacher") == "WTL"


def test_a_registered_world_is_found():
    moon = _renamed("moon")
    registry.register(moon)
    assert "moon" in registry.names()
    assert registry.get("moon") is moon


def test_names_that_clash_are_refused():
    registry.register(_renamed("moon"))
    for name in ("moon", "reacher"):
        with pytest.raises(UserError, match=f"two worlds are called '{name}'"):
            registry.register(_renamed(name))
    # The world that was there first stays.
    assert registry.origin("reacher") == "WTL"


def test_a_world_of_an_installed_package_is_found(monkeypatch):
    place = "wtl.collection.worlds.reacher.reacher:REACHER"
    _install(monkeypatch, reacher_again=place)
    assert "reacher_again" in registry.names()
    assert place in registry.origin("reacher_again")
    # It calls itself otherwise.
    with pytest.raises(UserError, match="calls itself 'reacher'"):
        registry.get("reacher_again")


def test_two_packages_with_one_name_are_refused(monkeypatch):
    _install(monkeypatch, reacher="elsewhere:WORLD")
    with pytest.raises(UserError, match="two worlds are called 'reacher'"):
        registry.names()


def test_a_package_that_fails_to_import_is_named_when_it_is_used(monkeypatch):
    _install(monkeypatch, broken="no_such_module:WORLD")
    assert "broken" in registry.names()
    with pytest.raises(UserError, match="'broken'.*no_such_module.*cannot be imported"):
        registry.get("broken")
    assert "reacher" in {world.name for world in registry.usable()}
