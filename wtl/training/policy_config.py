"""Configuration of a method's network for the tasks of a world."""

import dataclasses
from typing import Any

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.policies import interface
from wtl.policies.contextual.config import FLAT, ROWS, ContextualConfig
from wtl.policies.maml.config import MamlConfig
from wtl.policies.methods import METHODS


def config_for(method: str, suite: TaskDistribution) -> interface.Interface:
    """Return the configuration of a method for the tasks of a suite."""
    world = suite.world
    gains = suite.motor_faults is not None
    action_size = len(world.spec.axes)
    config = dataclasses.replace(
        METHODS[method].config,
        layout=suite.layout,
        action_size=action_size,
        families=tuple(world.families),
        hidden_gains=gains,
        hidden_size=action_size * gains + suite.hidden_dynamics_size,
        moves_as_commanded=gains and world.moves_as_commanded,
    )
    if not world.entities:
        if isinstance(config, ContextualConfig) and config.per_entity:
            # The target among members of a set is unknown: an oracle reads them all.
            oracle = config.oracle and suite.layout.sets
            encoder = FLAT if oracle else config.without_entities
            config = dataclasses.replace(config, encoder=encoder)
        elif isinstance(config, MamlConfig):
            config = dataclasses.replace(config, per_entity=False)
    if isinstance(config, ContextualConfig) and config.encoder == ROWS:
        config = dataclasses.replace(config, interval_actions=True)
    # What moves after a command shows at the control rate.
    if config.every_frame or (config.moves_as_commanded and config.trials):
        config = dataclasses.replace(config, context_frames=world.spec.horizon + 1)
    return config


# Fields that follow from the tasks.
_OF_WORLD = (
    "layout",
    "action_size",
    "families",
    "hidden_gains",
    "hidden_size",
    "moves_as_commanded",
    "context_frames",
    "interval_actions",
    "every_frame",
)


def network_settings(config: interface.Interface) -> dict[str, Any]:
    """JSON-able fields of a configuration that do not follow from the tasks."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in _OF_WORLD
    }


def with_settings(
    config: interface.Interface, settings: dict[str, Any]
) -> interface.Interface:
    """Return a configuration with the fields of `network_settings`, read from JSON."""
    return dataclasses.replace(
        config,
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
        },
    )
