"""JSON files of any origin."""

import json
import os
from typing import Any

from wtl.datasets.contract.regular_file import open_regular

_BYTES = 64 << 20


def read(path: str | os.PathLike) -> Any:
    """Return the content of a JSON file.

    Raises:
      OSError: if it cannot be opened, or is a pipe, a device or a folder.
      ValueError: if it is no JSON, or larger than any that is written here.
    """
    with open_regular(path) as file:
        data = file.read(_BYTES + 1)
    if len(data) > _BYTES:
        raise ValueError(f"it has more than {_BYTES} bytes")
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
