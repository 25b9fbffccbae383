"""Conditions on the metadata of episodes, parsed from text."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.metadata import METADATA, Kind
from wtl.datasets.contract.names import did_you_mean, listed

_FORM = re.compile(r"(?P<field>[a-z_/]+)(?P<sign>!?=)(?P<values>.*)", re.DOTALL)
_FLAGS = {"true": True, "false": False}
# Vectors are absent from some datasets, and their exact values are hard to type.
_FIELDS = [name for name, field in METADATA.items() if field.kind is not Kind.FLOATS]


@dataclasses.dataclass(frozen=True)
class Condition:
    """One condition: a field has one of some values, or none of them.

    Attributes:
      field: name of a metadata field; of one that holds several texts, one of them
        counts.
      values: the values.
      negated: whether the condition is that it has none of them.
    """

    field: str
    values: tuple[Any, ...]
    negated: bool = False

    def holds(self, metadata: Mapping[str, Any]) -> bool:
        """Return whether the condition holds for an episode's metadata."""
        value = metadata[self.field]
        several = METADATA[self.field].kind is Kind.TEXTS
        found = any(item in self.values for item in (value if several else [value]))
        return found != self.negated


def parse(
    text: str, is_known: Callable[[str, str], bool] = lambda field, value: False
) -> Condition:
    """Read `FIELD=VALUE[,VALUE...]`, or its negation with `!=`.

    Args:
      text: the condition.
      is_known: (field, text) -> whether the text is one value, commas included.

    Raises:
      UserError: if it is not of this form, there is no such field, or a value is not
        of the field's type.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UserError(
            f"the condition {text!r} is not of the form FIELD=VALUE[,VALUE...] or "
            "FIELD!=VALUE[,VALUE...]"
        )
    name = match["field"]
    if name not in _FIELDS:
        raise UserError(
            f"the condition {text!r} names no field of episodes; they are "
            + ", ".join(_FIELDS)
            + did_you_mean(name, _FIELDS)
        )
    values = listed(match["values"], lambda value: is_known(name, value))
    return Condition(
        name,
        tuple(_value(name, value) for value in values),
        negated=match["sign"] == "!=",
    )


def _value(name: str, text: str) -> Any:
    kind = METADATA[name].kind
    try:
        if kind is Kind.BOOL:
            return _FLAGS[text]
        if kind in (Kind.INT32, Kind.INT64):
            return int(text)
        if kind is Kind.FLOAT32:
            # Stored values have 32 bits: 0.3 must equal what 0.3 became.
            return float(np.float32(text))
        return text
    except (KeyError, ValueError):
        raise UserError(f"{text!r} is not a value of {name} ({kind.value})") from None
