"""Registry of methods by name, in the order of tables. A new method is one record.

Installed packages name records by entry points of the group `wtl.methods`. A module
that a gin file imports adds its own with `register`:

    register(trained_method("mine", "Mine", "One sentence.", config=ContextualConfig()))
"""

import contextlib
import functools
import importlib.metadata
import operator
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

from wtl.datasets.contract import entry_point
from wtl.policies.methods import palette
from wtl.policies.methods.record import NEW, Condition, Method
from wtl.policies.methods.records import RECORDS
from wtl.policies.methods.records import trained_method as trained_method

# Conditions whose comparison is the claim of Watch, Try, Learn.
TRIAL, RETRIAL, SECOND_TRY, BASELINE = "mil", "wtl", "mil_second_try", "bc"
SHIFT = "mil_win_stay_lose_shift"

METHODS: dict[str, Method] = {}
CONDITIONS: dict[str, Condition] = {}
# Where methods that are not WTL's come from, or the reason why they fail.
ORIGINS: dict[str, str] = {}
UNAVAILABLE: dict[str, str] = {}
ENTRY_POINTS = "wtl.methods"


def register(method: Method):
    """Add a method and its conditions to the registries, after the others.

    Raises:
      ValueError: if a name is taken.
    """
    conditions = {condition.name: condition for condition in method.conditions}
    module = sys._getframe(1).f_globals.get("__name__", "a module")
    for name in (method.name, *conditions):
        if name in METHODS or name in CONDITIONS:
            taken = METHODS.get(name) or METHODS[CONDITIONS[name].method]
            raise ValueError(
                f"there is a method or condition {name!r} already "
                f"({ORIGINS.get(taken.name, 'WTL')}); {module} needs another name"
            )
    if module.partition(".")[0] != "wtl":
        ORIGINS[method.name] = f"registered by {module}"
    METHODS[method.name] = method
    CONDITIONS.update(conditions)


@contextlib.contextmanager
def registered(method: Method) -> Iterator[None]:
    """Add a method and its conditions to the registries for a while; see `register`."""
    register(method)
    try:
        yield
    finally:
        del METHODS[method.name]
        ORIGINS.pop(method.name, None)
        for condition in method.conditions:
            del CONDITIONS[condition.name]


for _record in RECORDS:
    register(_record)


def register_installed():
    """Add the methods of installed packages; note the reasons of those that fail."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        # Any fault of a package is due only to those who ask for its method.
        origin = entry_point.origin(point)
        try:
            method = point.load()
            register(method)
            ORIGINS[method.name] = origin
        except Exception as error:
            UNAVAILABLE[point.name] = (
                f"the method {point.name!r} ({origin}) cannot be loaded: "
                f"{type(error).__name__}: {error}"
            )


register_installed()


def uses_human_videos(condition: Condition) -> bool:
    """Whether the demonstrations of a condition are human videos."""
    return condition.shown_human or METHODS[condition.method].config.human


def compared() -> list[tuple[str, str]]:
    """Return pairs of conditions that are compared scene by scene."""
    of_methods = [
        (method.name, other)
        for method in METHODS.values()
        for other in method.compared_with
    ]
    return of_methods + [
        (condition.name, other)
        for condition in CONDITIONS.values()
        for other in condition.compared_with
    ]


def _known(name: str) -> Condition | Method | None:
    """Return the condition or method of `NAME` or `SET/NAME`."""
    name = name.rpartition("/")[2]
    return CONDITIONS.get(name) or METHODS.get(name)


def label(name: str) -> str:
    """Short name of a condition or method, or of `SET/NAME`; unknown ones unchanged."""
    of, _, last = name.rpartition("/")
    known = _known(name)
    text = known.label if known else last
    return f"{text} ({of})" if of else text


def description(name: str) -> str | None:
    """Description of a condition or method, or of `SET/NAME`; None if unknown."""
    known = _known(name)
    return known and known.description


def colour(name: str) -> str:
    """Colour of a condition or method, or of `SET/NAME`; grey if it is unknown."""
    known = _known(name)
    return known.colour if known else palette.GREY


def colours(names: Collection[str]) -> dict[str, str]:
    """Colours of lines in one figure: a method's own, or if that is taken another."""
    chosen: dict[str, str] = {}
    for name in names:
        if colour(name) not in chosen.values():
            chosen[name] = colour(name)
    for name in names:
        free = (c for c in palette.FREE if c not in chosen.values())
        chosen.setdefault(name, next(free, colour(name)))
    return chosen


def in_order(names: Iterable[str]) -> list[str]:
    """Known conditions and methods in the order above, then the others as they come."""
    order = [
        name
        for method in METHODS.values()
        for name in dict.fromkeys([method.name, *(c.name for c in method.conditions)])
    ]
    place = {name: i for i, name in enumerate(order)}
    return sorted(names, key=lambda n: place.get(n.rpartition("/")[2], len(place)))


def in_new_scene(name: str) -> str | None:
    """Name of the condition that only the new scene of its trials tells from another.

    It has the same policy, choice and trials. None if there is no such condition.
    """
    of, slash, last = name.rpartition("/")
    known = CONDITIONS.get(last)
    if known is None or known.scene == NEW:
        return None
    same = operator.attrgetter("method", "choice", "trials", "shown_human")
    for other in CONDITIONS.values():
        if other.scene == NEW and same(other) == same(known):
            return f"{of}{slash}{other.name}"
    return None


def rounds(conditions: Sequence[Condition]) -> list[list[Condition]]:
    """Conditions in rounds: each comes after those whose episodes are its trials."""
    chosen = {condition.name: condition for condition in conditions}

    @functools.cache
    def round_of(name: str) -> int:
        before = [round_of(n) for n in chosen[name].trials if n in chosen]
        return 1 + max(before, default=-1)

    last = max(map(round_of, chosen), default=-1)
    return [
        [condition for condition in conditions if round_of(condition.name) == number]
        for number in range(last + 1)
    ]
