"""What a task or a suite is made of, for those who name what they make of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any


def account(whole: Any, later: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, so that names given before there were more last.

    Args:
      whole: the instance.
      later: fields that came later, with what they amounted to before; they are left
        out while they amount to that.
    """
    return {
        name: value
        for name, value in dataclasses.asdict(whole).items()
        if name not in later or value != later[name]
    }
