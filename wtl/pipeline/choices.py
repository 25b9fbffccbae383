"""Checks of the names that a configuration chooses."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean
from wtl.policies.methods import METHODS, UNAVAILABLE, Method


def check(setting: str, names: Sequence[Any], known: Collection[Any]):
    """Check that a setting names known things only.

    Raises:
      UserError: if it does not; lists those that are known.
    """
    for name in names:
        if name in UNAVAILABLE:
            raise UserError(UNAVAILABLE[name])
        if name not in known:
            listed = ", ".join(map(str, known))
            raise UserError(
                f"{setting} names {name!r}; choose from {listed}"
                + did_you_mean(name, known)
            )


def trained_methods(
    setting: str,
    names: Sequence[str],
    fits: Callable[[Method], bool] = lambda method: True,
) -> list[Method]:
    """Return the records of methods that a setting names.

    Args:
      setting: name of the setting in messages.
      names: names of methods whose policies a stage trains.
      fits: method -> whether the setting may name it.

    Raises:
      UserError: if one is unknown, has no policy or does not fit; lists those that do.
    """
    known = {m.name: m for m in METHODS.values() if m.is_trained and fits(m)}
    check(setting, names, known)
    return [known[name] for name in names]
