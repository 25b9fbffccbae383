"""Server of a world over dm_env_rpc, also where WTL itself cannot be installed.

This file imports dm_env, dm_env_rpc and NumPy alone, and needs Python 3.8 or later:
copy it to where the simulator or the robot is (`docs/bring_your_own.md`).

Each client has an environment of its own. All environments run in the main thread, one
call at a time, since few simulators are safe to use in several threads.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dm_env
import grpc
import numpy as np
from dm_env import specs
from dm_env_rpc.v1 import (
    dm_env_rpc_pb2,
    dm_env_rpc_pb2_grpc,
    dm_env_utils,
    tensor_utils,
)
from dm_env_rpc.v1.extensions import properties_pb2
from google.rpc import code_pb2

PROTOCOL = 1  # raised whenever properties or settings change their meaning
DESCRIPTION = "wtl"  # properties that clients read
TASKS = "tasks"
SUCCESS = "success"
EXPERT_ACTION = "expert_action"
REWARD = "reward"  # observations beside those of the environment
DISCOUNT = "discount"
ACTION = "action"
OPTIONS = (  # of gRPC; its own limit is less than two large images
    ("grpc.max_send_message_length", 256 << 20),
    ("grpc.max_receive_message_length", 256 << 20),
)
_GRACE = 1.0  # seconds for streams to end; cut off, gRPC may print a traceback

_STATES = dm_env_rpc_pb2.EnvironmentStateType


@dataclasses.dataclass(frozen=True)
class Task:
    """Task of a world.

    Attributes:
      task_id: name, unique in the world.
      family: name of its family.
      split: `train`, `val` or `test`.
      parameters: JSON-able description of what sets it apart.
      instruction: sentence that describes it.
    """

    task_id: str
    family: str
    split: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    instruction: str = ""


@dataclasses.dataclass(frozen=True)
class ServedWorld:
    """World that is served; its arguments are those of `wtl.worlds.dm_env`.

    Attributes:
      name: name of the world.
      make: (task, seed) -> `dm_env.Environment`; the seed decides its episode.
      tasks: (split, seed, count=...) -> tasks, `count` of them.
      horizon: control steps of an episode.
      control_hz: control steps per second.
      expert: (task) -> actor, which is called with environment and timestep and returns
        an action in the environment's units.
      version: raised whenever the same seed no longer gives the same episode.
    """

    name: str
    make: Callable[[Any, int], dm_env.Environment]
    tasks: Callable[..., Sequence[Any]]
    horizon: int
    control_hz: float = 10.0
    expert: Callable[[Any], Callable[[Any, Any], Any]] | None = None
    version: str = "1.0.0"


def serve(world: ServedWorld, port: int = 0, host: str = "127.0.0.1"):
    """Serve a world until Ctrl-C.

    Args:
      world: the world.
      port: port to listen on; 0 takes a free one. It is printed.
      host: address to listen on, by default this machine only.

    Raises:
      OSError: if host and port are taken, or no address of this machine.
    """
    try:
        asyncio.run(_serve(world, host, port))
    except KeyboardInterrupt:
        print(f"\nthe world {world.name!r} is no longer served")


async def _serve(world: ServedWorld, host: str, port: int):
    server, address = await start(world, host, port)
    print(
        f"world {world.name!r} {world.version} is served at {address}; Ctrl-C ends it",
        flush=True,
    )
    try:
        await server.wait_for_termination()
    finally:
        await server.stop(_GRACE)


async def start(
    world: ServedWorld, host: str, port: int
) -> tuple[grpc.aio.Server, str]:
    """Start to serve a world in the running event loop; see `serve`.

    Returns:
      The server, and the address that it listens on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # gRPC would log lines of its own, and give no reason.
    socket.create_server((host, port), family=family).close()
    # Two servers could share a port otherwise.
    server = grpc.aio.server(options=(*OPTIONS, ("grpc.so_reuseport", 0)))
    dm_env_rpc_pb2_grpc.add_EnvironmentServicer_to_server(_Servicer(world), server)
    host = f"[{host}]" if ":" in host else host
    port = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    return server, f"{host}:{port}"


class _Servicer(dm_env_rpc_pb2_grpc.EnvironmentServicer):
    """gRPC service: one stream of requests is one client with one environment."""

    def __init__(self, world: ServedWorld):
        self._world = world

    async def Process(self, request_iterator, context):  # noqa: N802, D102
        del context
        client = _Client(self._world)
        try:
            async for request in request_iterator:
                yield client.answer(request)
        finally:
            client.close()


class _Refusal(Exception):
    """Request that a client should not have made, or a world that does not fit."""


class _Client:
    """Environment of one client, which its requests create and step."""

    def __init__(self, world: ServedWorld):
        self._world = world
        self._env: dm_env.Environment | None = None
        self._timestep: dm_env.TimeStep | None = None
        self._answers = {
            "create_world": self._create,
            "join_world": self._join,
            "reset": self._reset,
            "step": self._step,
            "leave_world": self._leave,
            "destroy_world": self._destroy,
            "extension": self._extend,
        }

    def answer(self, request) -> dm_env_rpc_pb2.EnvironmentResponse:
        """Return the response to a request, or a description of its error."""
        kind = request.WhichOneof("payload")
        response = dm_env_rpc_pb2.EnvironmentResponse()
        try:
            if kind not in self._answers:
                raise _Refusal(f"there is no answer to {kind}")
            getattr(response, kind).CopyFrom(
                self._answers[kind](getattr(request, kind))
            )
        except _Refusal as refusal:
            response.error.code = code_pb2.INVALID_ARGUMENT
            response.error.message = str(refusal)
        except Exception as error:  # for the users of both sides
            traceback.print_exc()
            response.error.code = code_pb2.INTERNAL
            response.error.message = f"{type(error).__name__}: {error}"
        return response

    def close(self):
        """Close the environment."""
        env, self._env = self._env, None
        if env is not None:
            env.close()

    def _create(self, request):
        given = {
            key: tensor_utils.unpack_tensor(value)
            for key, value in request.settings.items()
        }
        self._agree("protocol", given.get("protocol"), PROTOCOL)
        self._agree("version", given.get("version"), self._world.version)
        self.close()
        self._task = Task(**json.loads(str(given["task"])))
        self._env = self._world.make(self._task, int(given["seed"]))
        self._actions, self._observed = _described(self._env)
        self._timestep = self._actor = None
        return dm_env_rpc_pb2.CreateWorldResponse(world_name=self._world.name)

    def _agree(self, what: str, asked, have):
        if asked != have:
            raise _Refusal(
                f"the server's {what} is {have}, and the command began with {asked}; "
                "start the command again"
            )

    def _join(self, request):
        self._agree("name", request.world_name, self._world.name)
        return dm_env_rpc_pb2.JoinWorldResponse(specs=self._specs())

    def _reset(self, request):
        del request
        self._timestep = None
        return dm_env_rpc_pb2.ResetResponse(specs=self._specs())

    def _leave(self, request):
        del request
        return dm_env_rpc_pb2.LeaveWorldResponse()

    def _destroy(self, request):
        del request
        self.close()
        return dm_env_rpc_pb2.DestroyWorldResponse()

    def _step(self, request):
        env = self._opened()
        if self._timestep is None or self._timestep.last():
            self._timestep, self._actor = env.reset(), None
        else:
            action = np.asarray(tensor_utils.unpack_tensor(request.actions[1]))
            if action.shape != self._actions.shape:
                raise _Refusal(f"the action has shape {action.shape}")
            self._timestep = env.step(action.astype(self._actions.dtype))
        response = dm_env_rpc_pb2.StepResponse(state=_STATES.RUNNING)
        if self._timestep.last():
            ended = self._timestep.discount == 0.0
            response.state = _STATES.TERMINATED if ended else _STATES.INTERRUPTED
        values = _flat(self._timestep.observation)
        values[REWARD] = self._timestep.reward or 0.0
        discount = self._timestep.discount
        values[DISCOUNT] = 1.0 if discount is None else discount
        for uid in request.requested_observations:
            packed = _packed(values, self._observed[uid - 1])
            response.observations[uid].CopyFrom(packed)
        return response

    def _extend(self, message):
        request, response = (
            properties_pb2.PropertyRequest(),
            properties_pb2.PropertyResponse(),
        )
        if not message.Unpack(request) or not request.HasField("read_property"):
            raise _Refusal("of extensions, properties are read only")
        value = self._property(request.read_property.key)
        response.read_property.value.CopyFrom(tensor_utils.pack_tensor(value))
        packed = type(message)()
        packed.Pack(response)
        return packed

    def _property(self, key: str):
        """Return the value of a property: text, a truth value or an action."""
        world = self._world
        if key == DESCRIPTION:
            names = ("name", "version", "horizon", "control_hz")
            described = {name: getattr(world, name) for name in names}
            described["protocol"] = PROTOCOL
            return json.dumps({**described, "expert": world.expert is not None})
        if key == SUCCESS:
            test = getattr(self._opened(), "succeeded", None)
            return bool(test() if test else (self._timestep.reward or 0.0) > 0)
        if key == EXPERT_ACTION and world.expert:
            env = self._opened()
            self._actor = self._actor or world.expert(self._task)
            return np.asarray(self._actor(env, self._timestep), np.float64)
        if key.split("/")[0] == TASKS:
            _, split, seed, count = key.split("/")
            return _tasks_json(world.tasks(split, int(seed), count=int(count)))
        raise _Refusal(f"there is no property {key!r}")

    def _opened(self) -> dm_env.Environment:
        if self._env is None:
            raise _Refusal("an environment must be created first")
        return self._env

    def _specs(self) -> dm_env_rpc_pb2.ActionObservationSpecs:
        self._opened()
        response = dm_env_rpc_pb2.ActionObservationSpecs()
        response.actions[1].CopyFrom(
            dm_env_utils.dm_env_spec_to_tensor_spec(self._actions)
        )
        for uid, spec in enumerate(self._observed, 1):
            response.observations[uid].CopyFrom(
                dm_env_utils.dm_env_spec_to_tensor_spec(spec)
            )
        return response


def _described(env: dm_env.Environment) -> tuple[specs.Array, list[specs.Array]]:
    """Return the specs of the action and of all observations, flat."""
    action = env.action_spec()
    if not isinstance(action, specs.Array):
        raise _Refusal(f"the action spec {action} is no single array")
    observed = _flat(env.observation_spec())
    for name, spec in observed.items():
        if name in (REWARD, DISCOUNT):
            raise _Refusal(f"an observation is called {name!r}; give it another name")
        if spec.dtype.kind not in "biuf":
            raise _Refusal(f"the observation {name!r} has the dtype {spec.dtype}")
    scalars = [specs.Array((), np.float64, name) for name in (REWARD, DISCOUNT)]
    arrays = [specs.Array(spec.shape, spec.dtype, k) for k, spec in observed.items()]
    return action.replace(name=ACTION), [*arrays, *scalars]


def _flat(tree: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by path, such as `arm/joints`."""
    if not isinstance(tree, Mapping):
        return {name or "observation": tree}
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found.update(_flat(value, f"{name}/{key}" if name else str(key)))
    return found


def _packed(values: Mapping[str, Any], spec: specs.Array) -> dm_env_rpc_pb2.Tensor:
    if spec.name not in values:
        raise _Refusal(f"the observation {spec.name!r} is missing; its spec is {spec}")
    value = np.asarray(values[spec.name])
    fits = np.can_cast(value.dtype, spec.dtype, "same_kind")
    if value.shape != spec.shape or not fits:
        raise _Refusal(
            f"the observation {spec.name!r} has shape {value.shape} and dtype "
            f"{value.dtype}; its spec says {spec.shape} and {spec.dtype}"
        )
    return tensor_utils.pack_tensor(value, dtype=spec.dtype)


def _tasks_json(tasks: Sequence[Any]) -> str:
    names = [field.name for field in dataclasses.fields(Task)]
    try:
        return json.dumps([{n: getattr(task, n) for n in names} for task in tasks])
    except TypeError as error:
        raise _Refusal(f"the parameters of a task are not JSON: {error}") from error
