"""Configuration objects with what gin binds in a scope, and the check of all bindings.

A scope is the name of a stage, as in `train_trial/TrainConfig.learning_rate = 3e-4` and
`meta_rl/PearlConfig.latent = 2`, or of a method whose policy a stage trains, as in
`mil/ContextualConfig.encoder = 'flat'`.
"""

import collections.abc
import dataclasses
import math
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import gin

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Limits
from wtl.datasets.contract.names import did_you_mean

Configured = TypeVar("Configured")
_PREFIX = "wtl."  # of the names of what this package configures
_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text in quotes",
    type(None): "None",
}


def bound(
    config: Configured, scope: str, *, inherits: bool = True, **settings: Any
) -> Configured:
    """Return a frozen dataclass with the values that gin binds in a scope.

    Args:
      config: instance of a class that is registered with gin under its own name.
      scope: in which bindings are looked up.
      inherits: whether bindings without a scope hold too.
      **settings: further fields that are set, unless they are None.

    Raises:
      UserError: if a value does not fit.
    """
    name = type(config).__name__
    given = {field: value for field, value in settings.items() if value is not None}
    try:
        with gin.config_scope(scope):
            found = dict(gin.get_bindings(name, inherit_scopes=inherits))
            gin.get_configurable(name)()  # notes them in the operative configuration
        return dataclasses.replace(config, **found | given)
    except (TypeError, ValueError) as error:
        fault = str(error).splitlines()[0]  # gin appends where it was called
        raise UserError(f"{scope}/{name} is configured wrongly: {fault}") from error


def check(scopes: Mapping[str, Collection[str]]):
    """Check type, limits and scope of every value that gin binds.

    Args:
      scopes: name of a configurable -> scopes in which it is looked up; those of other
        names are not checked.

    Raises:
      UserError: if one does not fit.
    """
    for (scope, selector), values in gin.config._CONFIG.items():
        if not selector.startswith(_PREFIX):
            continue
        name = selector.removeprefix(_PREFIX)
        known = scopes.get(name)
        if scope and known is not None and scope not in known:
            listed = ", ".join(known) or "none"
            raise UserError(
                f"the configuration is wrong: {scope}/{name} has an unknown scope; "
                f"known are {listed}" + did_you_mean(scope, known)
            )
        hints = typing.get_type_hints(gin.get_configurable(selector), None, None, True)
        for parameter, value in values.items():
            hint = hints.get(parameter, Any)
            if not _fits(value, hint):
                where = f"{scope}/{name}" if scope else name
                raise UserError(
                    f"the configuration is wrong: {where}.{parameter} is {value!r}; "
                    f"it takes {_words(hint)}"
                )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; types that it can't check are fine."""
    kind, parts = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(value, gin.config.ConfigurableReference):
        return True  # known when it is called
    if kind is typing.Annotated:
        base, *limits = parts
        return _fits(value, base) and all(low <= value <= high for low, high in limits)
    if kind in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if kind is tuple and parts[-1] is not Ellipsis:
        fits = isinstance(value, list | tuple) and len(value) == len(parts)
        return fits and all(map(_fits, value, parts))
    if kind in (tuple, list, collections.abc.Sequence):
        fits = isinstance(value, list | tuple)
        return fits and all(_fits(item, parts[0]) for item in value)
    if hint is float:
        return _is_number(value, int | float) and math.isfinite(value)
    if hint is int:
        return _is_number(value, int)
    return isinstance(value, hint) if hint in _WORDS else True


def _is_number(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _words(hint: Any) -> str:
    """Name an annotated type for users."""
    kind, parts = typing.get_origin(hint), typing.get_args(hint)
    if kind is typing.Annotated:
        limits: Limits = parts[1]
        if math.isinf(limits.greatest):
            return f"{_words(parts[0])} of {limits.least} or more"
        return f"{_words(parts[0])} from {limits.least} to {limits.greatest}"
    if kind in (typing.Union, types.UnionType):
        return " or ".join(map(_words, parts))
    if kind is tuple and parts[-1] is not Ellipsis:
        return f"a tuple of {len(parts)}, each {_words(parts[0])}"
    if kind in (tuple, list, collections.abc.Sequence):
        return f"a tuple, as (A, B) or (A,), of which each is {_words(parts[0])}"
    return _WORDS.get(hint, "another type")
