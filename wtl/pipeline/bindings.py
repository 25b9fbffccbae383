"""Configuration objects with what gin binds in a scope.

A scope is the name of a stage, as in `train_trial/TrainConfig.learning_rate = 3e-4` and
`meta_rl/PearlConfig.latent = 2`, or of a method whose policy a stage trains, as in
`mil/ContextualConfig.per_entity = False`.
"""

import dataclasses
from typing import Any, TypeVar

import gin

from wtl.datasets.contract.errors import UserError

Configured = TypeVar("Configured")


def bound(config: Configured, scope: str, **settings: Any) -> Configured:
    """Return a frozen dataclass with the values that gin binds in a scope.

    Args:
      config: instance of a class that is registered with gin under its own name.
      scope: in which bindings are looked up; those without a scope hold too.
      **settings: further fields that are set, unless they are None.

    Raises:
      UserError: if a value does not fit.
    """
    name = type(config).__name__
    with gin.config_scope(scope):
        found = dict(gin.get_bindings(name))
        gin.get_configurable(name)()  # notes them in the operative configuration
    found |= {field: value for field, value in settings.items() if value is not None}
    try:
        return dataclasses.replace(config, **found)
    except (TypeError, ValueError) as error:
        raise UserError(f"{scope}/{name} is configured wrongly: {error}") from error
