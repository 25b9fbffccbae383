"""Worlds of users, made of dm_env or Gymnasium environments, and the registry."""

from wtl.collection.worlds.plain.controls import Axis, Controls, Latch
from wtl.collection.worlds.plain.gym_world import gym_world as gym
from wtl.collection.worlds.plain.task import PlainTask as Task
from wtl.collection.worlds.plain.world import dm_env_world as dm_env
from wtl.collection.worlds.registry import get, names, register
from wtl.collection.worlds.remote.world import remote_world as remote
from wtl.collection.worlds.world import World

__all__ = [
    "Axis",
    "Controls",
    "Latch",
    "Task",
    "World",
    "dm_env",
    "get",
    "gym",
    "names",
    "register",
    "remote",
]
