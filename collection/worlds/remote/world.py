"""World whose environments run at a server."""

import dataclasses
import functools
import json
from collections.abc import Sequence
from typing import Any

from dm_env_rpc.v1.extensions.properties import PropertiesExtension

from wtl.collection.worlds.plain.controls import Controls
from wtl.collection.worlds.plain.task import PlainTask
from wtl.collection.worlds.plain.world import dm_env_world
from wtl.collection.worlds.remote import server
from wtl.collection.worlds.remote.connection import Connection
from wtl.collection.worlds.remote.environment import RemoteEnvironment
from wtl.collection.worlds.world import World
from wtl.datasets.contract.errors import UserError

# Entries of responses, with their types.
_TASK = {
    "task_id": str,
    "family": str,
    "split": str,
    "parameters": dict,
    "instruction": str,
}
_DESCRIBED = {
    "protocol": int,
    "name": str,
    "version": str,
    "horizon": int,
    "control_hz": (int, float),
    "expert": bool,
}


def remote_world(
    name: str | None,
    address: str,
    *,
    timeout_s: float = 60.0,
    retries: int = 4,
    teleop: Controls | None = None,
    sets: Sequence[str] = (),
    deciding_steps: int | None = None,
) -> World:
    """Return a world that `wtl serve_world`, or `serve` of its module, serves.

    Everything but the number of steps is asked of the server. An episode that an outage
    cuts is played again from its start.

    Args:
      name: name of the world, which the server's must be; None takes the server's.
      address: `host:port` of the server.
      timeout_s: seconds after which a response counts as missing.
      retries: attempts to connect again after an outage, 0.5, 1, 2, ... up to 8 seconds
        apart. Use 0 where playing an episode again does harm, as a robot may.
      teleop: see `wtl.worlds.dm_env`.
      sets: names of observations that are sets of things, see `wtl.worlds.dm_env`.
      deciding_steps: see `wtl.worlds.dm_env`.

    Raises:
      UserError: if no such world is served there, or it does not fit.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UserError(f"the address {address!r} of a world is not HOST:PORT")
    reached = (address, timeout_s, retries)
    described = _description(Connection(name or "", *reached), name)
    connect = functools.partial(Connection, described["name"], *reached)
    settings = {"protocol": server.PROTOCOL, "version": described["version"]}

    def check():
        if _description(connect(), name) != described:
            raise connect().error("the server has changed; rerun the command")

    world = dm_env_world(
        described["name"],
        lambda task, seed: RemoteEnvironment(
            connect(), settings | {"task": _task_json(task), "seed": seed}
        ),
        functools.partial(_tasks, connect),
        horizon=described["horizon"],
        control_hz=described["control_hz"],
        expert=_expert if described["expert"] else None,
        teleop=teleop,
        sets=sets,
        deciding_steps=deciding_steps,
        version=described["version"],
    )
    return dataclasses.replace(world, address=address, check=check)


def _read(connection: Connection, key: str) -> Any:
    """Return a property in JSON."""
    try:
        return json.loads(str(PropertiesExtension(connection).read(key)))
    except (TypeError, ValueError) as error:
        raise connection.error(f"the property {key!r} is damaged: {error}") from error
    finally:
        connection.close()


def _description(connection: Connection, name: str | None) -> dict[str, Any]:
    found = _checked(connection, _read(connection, server.DESCRIPTION), _DESCRIBED)
    if found["protocol"] != server.PROTOCOL:
        raise connection.error(
            f"the server speaks protocol {found['protocol']}, this WTL "
            f"{server.PROTOCOL}; give the server the server.py of this WTL"
        )
    if min(found["horizon"], found["control_hz"]) <= 0:
        raise connection.error("the server's horizon or control_hz is not above 0")
    if name and found["name"] != name:
        raise connection.error(f"the server's world is {found['name']!r}")
    return found


def _tasks(connect, split: str, seed: int, count: int) -> list[PlainTask]:
    connection = connect()
    found = _read(connection, f"{server.TASKS}/{split}/{seed}/{count}")
    tasks = [PlainTask(**_checked(connection, task, _TASK)) for task in found]
    for task in tasks:
        if "/" in task.task_id:  # files are named after tasks
            raise connection.error(f"the task_id {task.task_id!r} has a slash")
    return tasks


def _checked(connection: Connection, found: Any, kinds: dict) -> dict[str, Any]:
    """Return the entries that are wanted of a response, of the types that they have."""
    for key, kind in kinds.items():
        if not isinstance(found, dict) or not isinstance(found.get(key), kind):
            raise connection.error(f"the server gives no {key}")
    return {key: found[key] for key in kinds}


def _task_json(task: PlainTask) -> str:
    return json.dumps({name: getattr(task, name) for name in _TASK})


def _expert(task: PlainTask):
    del task  # the server's environment knows it
    return lambda env, timestep: env.expert_action()
