"""Environment that runs at a server."""

import contextlib

import dm_env
import numpy as np
from dm_env import specs
from dm_env_rpc.v1 import dm_env_adaptor
from dm_env_rpc.v1.extensions.properties import PropertiesExtension

from wtl.collection.worlds.remote import server
from wtl.collection.worlds.remote.connection import Connection


class RemoteEnvironment(dm_env.Environment):
    """Environment of one task and seed, created at the server of a world.

    Observations are flat, by path such as `arm/joints`.
    """

    def __init__(self, connection: Connection, settings: dict[str, int | str]):
        """Create the environment.

        Args:
          connection: to the server, for this environment alone.
          settings: see `server`: protocol, version, task and seed.

        Raises:
          UserError: if the server does not create it.
        """
        self._connection = connection
        with self._named():
            self._env, _ = dm_env_adaptor.create_and_join_world(
                connection, settings, {}, nested_tensors=False
            )
        self._properties = PropertiesExtension(connection)

    def __del__(self):
        self._connection.close()

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        with self._named():
            return self._env.reset()

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply an action in the units of the environment."""
        with self._named():
            return self._env.step({server.ACTION: action})

    def succeeded(self) -> bool:
        """Whether the server's environment counts the episode as a success so far."""
        return bool(self._properties.read(server.SUCCESS))

    def expert_action(self) -> np.ndarray:
        """Return the float64[A] action that the server's expert takes next."""
        return self._properties.read(server.EXPERT_ACTION)

    def observation_spec(self) -> dict[str, specs.Array]:
        """Return the spec of each observation by path."""
        return self._env.observation_spec()

    def action_spec(self) -> specs.Array:
        """Return the spec of the action."""
        return self._env.action_spec()[server.ACTION]

    @contextlib.contextmanager
    def _named(self):
        """Name world and server where a response does not fit the protocol."""
        try:
            yield
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self._connection.error(f"{error}") from error
