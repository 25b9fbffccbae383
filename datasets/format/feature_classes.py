"""Python classes that a features.json names: TFDS imports the modules they are in."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from wtl.datasets.contract import json_file
from wtl.datasets.contract.errors import UserError

_CLASS = re.compile(r"tensorflow_datasets(\.[A-Za-z_]\w*)+", re.ASCII)
_CLASS_KEYS = ("pythonClassName", "python_class_name", "type")


def check(path: str | os.PathLike) -> None:
    """Check a features.json of any origin, before TFDS opens its folder.

    Raises:
      UserError: if it cannot be read, names a class outside of TFDS, or a feature whose
        name leads out of the folder.
    """
    try:
        for key, value in _members(json_file.read(path)):
            if key in _CLASS_KEYS and isinstance(value, str):
                if not _CLASS.fullmatch(value):
                    raise ValueError(
                        f"it names the class {value!r}, and opening it would run that "
                        "code; only classes of tensorflow_datasets are accepted"
                    )
            elif key.startswith("/") or ".." in key.split("/"):
                raise ValueError(f"it names a feature {key!r}")
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is refused: {error}") from None


def _members(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key and value, also those of JSON in texts."""
    if isinstance(tree, dict):
        yield from tree.items()
        tree = list(tree.values())
    if isinstance(tree, list):
        for value in tree:
            yield from _members(value)
    elif isinstance(tree, str) and "{" in tree:
        try:
            yield from _members(json.loads(tree))
        except ValueError:
            return  # a text like any other
