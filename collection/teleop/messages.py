"""Messages of browsers: small JSON objects, none of which is trusted.

{"type": "drive", "seq": 7, "axes": [0, 0.4, 0, 0], "latch": 1, "wait": false}
{"type": "drive", "seq": 8, "goal": [0.1, -0.2]}
{"type": "drive", "seq": 9, "lead": [null, null, 1.5, -0.25]}
{"type": "do", "verb": "keep"}
{"type": "do", "verb": "speed", "value": 0.5}
"""

import dataclasses
import json
import re
from typing import Any

from wtl.collection.teleop.interface import Command
from wtl.datasets.contract.errors import UserError

MAX_BYTES = 512
SPEEDS = (1.0, 0.5, 0.25)
_MAX_SEQ = 2**31
_MAX_TRAVEL = 1000.0
_NAME = re.compile(r"[\w.][\w. -]{0,38}[\w.]|[\w.]")

_ALONE = (None,)
# Verbs, and the values that each takes.
VERBS: dict[str, Any] = {
    "claim": _ALONE,  # become the operator, if there is none
    "release": _ALONE,  # let another browser become the operator
    **dict.fromkeys(("keep", "redo", "discard", "undo", "quit", "show"), _ALONE),
    "override": (True, False, None),
    "speed": SPEEDS,
    "assist": (True, False),
    "name": _NAME,
}


class MessageError(UserError):
    """A message is malformed or out of range."""


@dataclasses.dataclass(frozen=True)
class Drive:
    """State of the operator's devices.

    Attributes:
      command: the command.
      seq: number of the message; each picture carries the number that it shows.
    """

    command: Command
    seq: int


@dataclasses.dataclass(frozen=True)
class Do:
    """Request for something to be done once.

    Attributes:
      verb: a key of `VERBS`.
      value: one of the values that the verb takes.
    """

    verb: str
    value: Any = None


def parse(text: str | bytes, axes: int) -> Drive | Do:
    """Read a message; `axes` is the number of axes of the world's controls.

    Raises:
      MessageError: if it is anything but a well-formed message in range.
    """
    if not isinstance(text, str) or len(text) > MAX_BYTES:
        raise MessageError(f"a message is a text of at most {MAX_BYTES} characters")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        raise MessageError("a message is a JSON object")
    kind = tree.pop("type", None)
    if kind == "drive":
        return _drive(tree, axes)
    if kind == "do":
        return _do(tree)
    raise MessageError("a message is of type drive or do")


def _drive(tree: dict, axes: int) -> Drive:
    if set(tree) - {"seq", "axes", "latch", "goal", "lead", "wait"}:
        raise MessageError("unknown field in a drive message")
    seq, wait = tree.get("seq", 0), tree.get("wait", False)
    if type(seq) is not int or not 0 <= seq < _MAX_SEQ:
        raise MessageError("seq must be a whole number from 0")
    if type(wait) is not bool:
        raise MessageError("wait must be true or false")
    rates = _numbers(tree.get("axes", [0] * axes), axes)
    latch, goal, lead = (tree.get(name) for name in ("latch", "goal", "lead"))
    command = Command(
        axes=rates if any(rates) else (),
        latch=None if latch is None else _numbers([latch], 1)[0],
        goal=None if goal is None else _numbers(goal, 2),
        lead=() if lead is None else _numbers(lead, axes, _MAX_TRAVEL, gaps=True),
        wait=wait,
    )
    return Drive(command, seq)


def _do(tree: dict) -> Do:
    verb, value = tree.pop("verb", None), tree.pop("value", None)
    if tree or not isinstance(verb, str) or verb not in VERBS:
        raise MessageError(f"the verbs are {', '.join(VERBS)}")
    allowed = VERBS[verb]
    if isinstance(allowed, re.Pattern):
        good = isinstance(value, str) and allowed.fullmatch(value) is not None
    else:
        # To Python 1 equals True and 1.0; only the latter fits.
        bools = type(value) is bool
        good = any(value == a and bools == (type(a) is bool) for a in allowed)
    if not good:
        raise MessageError(f"{verb} does not take this value")
    return Do(verb, value)


def _numbers(values: Any, count: int, most: float = 1, gaps: bool = False) -> tuple:
    if not isinstance(values, list) or len(values) != count:
        raise MessageError(f"a list of {count} numbers is needed")
    for value in values:
        if value is None and gaps:
            continue
        # A bool is an int to Python; no comparison holds for NaN.
        if type(value) not in (int, float) or not abs(value) <= most:
            raise MessageError(f"a number is outside [-{most:g}, {most:g}]")
    return tuple(value if value is None else float(value) for value in values)
