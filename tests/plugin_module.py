"""Registers a method and a world, as a module of a user does; see `test_plugin.py`."""

import dataclasses
import os
import pathlib

from wtl.collection.worlds import registry
from wtl.policies import methods
from wtl.policies.contextual.config import ContextualConfig

methods.register(
    methods.trained_method(
        "mil_small",
        "Small MIL",
        "MIL with a small network, of a module outside WTL.",
        config=ContextualConfig(demos=True, hidden=(16,)),
    )
)
registry.register(dataclasses.replace(registry.get("tabletop"), name="desk"))

# A test counts the processes that import this module.
if folder := os.environ.get("WTL_TEST_IMPORTED"):
    pathlib.Path(folder, str(os.getpid())).touch()
