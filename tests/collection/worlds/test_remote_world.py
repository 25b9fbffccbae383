"""A world at a server: its episodes, its clients, and faults of server and network."""

import asyncio
import contextlib
import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time

import dm_env
import numpy as np
import pytest
from dm_env import specs

import wtl
from tests import plain_module
from wtl.collection.teleop.attempt import Attempt
from wtl.collection.worlds.plain import gym_environment
from wtl.collection.worlds.remote import server
from wtl.collection.worlds.world import World
from wtl.datasets.contract.errors import UserError

LOCAL = plain_module.POINT
SERVED = server.ServedWorld(**LOCAL.plain)


class Served:
    """Server in a thread of this process; `address` is where it listens."""

    def __init__(self, world, port: int = 0, module=server):
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server, self.address = self._run(module.start(world, "127.0.0.1", port))

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def stop(self):
        self._run(self._server.stop(None))

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextlib.contextmanager
def _served(world=SERVED, **options):
    found = Served(world, **options)
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def remote():
    """The world of `plain_module`, at a server."""
    with _served() as found:
        yield World.remote(found.address)


def _env(world: World, seed: int = 7):
    return world.make_env(world.tasks("test", 0, count=2)[1], seed)


def _numbers(timestep) -> np.ndarray:
    """All numbers of an observation of position, velocity and more."""
    return np.concatenate([np.ravel(v) for v in timestep.observation.values()])


def _episode(world: World, before=lambda step: None) -> list[np.ndarray]:
    """Observations and success of an episode of the expert, which is noisy.

    `before` is called before each step with its number.
    """
    env, rng = _env(world), np.random.default_rng(0)
    timestep, observed = env.reset(), []
    expert = world.expert(env.scene_config, rng)
    while not timestep.last():
        observed.append(_numbers(timestep))
        before(len(observed))
        timestep = env.step(expert(env, 0.1, rng).executed)
    return [*observed, _numbers(timestep), np.array(timestep.reward)]


def test_it_is_the_world_that_is_served(remote):
    assert (remote.name, remote.version) == (LOCAL.name, LOCAL.version)
    assert remote.spec.observation == LOCAL.spec.observation
    assert remote.spec.action == LOCAL.spec.action.replace(name="action")
    assert (remote.spec.horizon, remote.spec.control_hz) == (15, 10.0)
    assert remote.families == LOCAL.families
    ours, theirs = (w.tasks("val", 3, count=4) for w in (remote, LOCAL))
    assert [t.task_id for t in ours] == [t.task_id for t in theirs]
    assert [tuple(t.parameters["goal"]) for t in ours] == [
        t.parameters["goal"] for t in theirs
    ]


def test_its_episodes_are_those_of_the_world_itself(remote):
    for ours, theirs in zip(_episode(remote), _episode(LOCAL), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_it_is_operated_where_its_controls_are_declared():
    axes = (wtl.worlds.Axis(0, ("right", "left"), ("e", "a")),)
    with _served() as found:
        world = World.remote(found.address, teleop=wtl.worlds.Controls(axes))
        (task,) = world.tasks("test", 0, count=1)
        tried = Attempt(world.open(task.scene(7)), task.scene(7))
        start = _numbers(tried)[0]
        tried.step(world.teleop.action(tried, np.array([0.5]), 0.0))
        assert _numbers(tried)[0] == pytest.approx(start + 0.1)
        assert world.teleop.achieved(tried.env) is False


def test_each_client_has_an_environment_of_its_own(remote):
    envs = [_env(remote, seed) for seed in (1, 2)]
    alone = [_numbers(env.reset())[:2] for env in envs]
    assert not np.array_equal(*alone)
    moved = _numbers(envs[0].step(np.ones(2)))[:2]
    np.testing.assert_allclose(moved, alone[0] + 0.2, atol=1e-6)
    still = _numbers(envs[1].step(np.zeros(2)))[:2]
    np.testing.assert_array_equal(still, alone[1])


def test_an_episode_that_an_outage_cuts_is_played_again():
    with _served() as found:
        world = World.remote(found.address)

        def restart(step):
            if step == 5:
                found.stop()
                found.__init__(SERVED, found.port)

        for ours, theirs in zip(_episode(world, restart), _episode(LOCAL), strict=True):
            np.testing.assert_array_equal(ours, theirs)


class Odd(plain_module.Point):
    """Environment with the fault that a test gives it."""

    fault = staticmethod(lambda env: None)

    def __init__(self, goal=(1, 0), seed: int = 0):
        super().__init__(goal, seed)

    def step(self, action):
        timestep = super().step(action)
        return self.fault(self) or timestep


def _odd(fault, **changes) -> server.ServedWorld:
    made = type("Faulty", (Odd,), {"fault": staticmethod(fault)})
    return dataclasses.replace(SERVED, make=lambda task, seed: made(), **changes)


def _observed(value):
    """Fault by which the position is another value than its spec says."""
    observation = {"robot": {"position": value, "velocity": np.zeros(2)}}
    if value is None:
        del observation["robot"]["position"]
    return lambda env: dm_env.transition(0.0, observation)


def _fails(env):
    raise ZeroDivisionError("the arm is stuck")


@pytest.mark.parametrize(
    ("fault", "said"),
    (
        (_observed(np.zeros(3)), r"'robot/position' has shape \(3,\).* says \(2,\)"),
        (_observed(np.zeros(2, complex)), "complex128.* says .*float64"),
        (_observed(None), "'robot/position' is missing"),
        (_observed(np.full(2, np.nan)), "'robot/position' is not finite"),
        (_fails, "ZeroDivisionError: the arm is stuck"),
        (lambda env: time.sleep(0.6), "silent for 0.3 s.*timeout_s"),
    ),
)
def test_faults_of_the_environment_are_named(fault, said):
    with _served(_odd(fault)) as found:
        env = _env(World.remote(found.address, timeout_s=0.3))
        env.reset()
        with pytest.raises(UserError, match=f"'plain_point'.*{said}"):
            env.step(np.zeros(2))


def test_an_environment_that_never_ends_is_bounded_by_the_horizon():
    def never(env):
        return dm_env.transition(0.0, env._observation())

    with _served(_odd(never, horizon=25)) as found:
        assert len(_episode(World.remote(found.address))) == 25 + 2


def test_an_episode_that_cannot_be_played_again_is_an_error():
    def drifts(env):
        env.position = np.random.default_rng().uniform(size=2)
        return dm_env.transition(0.0, env._observation())

    with _served(_odd(drifts)) as found:
        env = _env(World.remote(found.address))
        env.reset()
        env.step(np.zeros(2))
        found.stop()
        found.__init__(_odd(drifts), found.port)
        with pytest.raises(UserError, match="'plain_point'.*not give the same episode"):
            env.step(np.zeros(2))


def test_a_server_of_another_version_does_not_go_on():
    with _served() as found:
        world = World.remote(found.address)
        found.stop()
        newer = dataclasses.replace(SERVED, version="2.0.0")
        found.__init__(newer, found.port)
        with pytest.raises(
            UserError, match="version is 2.0.0, and .* began with 1.0.0"
        ):
            _env(world).reset()
        with pytest.raises(UserError, match="has changed"):
            world.check()


def _copied():
    """The module of the server, as a copy of its file elsewhere is."""
    spec = importlib.util.spec_from_file_location("wtl_server", server.__file__)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_another_protocol_is_refused():
    copied = _copied()
    copied.PROTOCOL = 0
    with _served(module=copied) as found:
        with pytest.raises(UserError, match=f"{found.address}.*protocol 0, this WTL 1"):
            World.remote(found.address)


class Flat(Odd):
    def observation_spec(self):
        return {"reward": specs.Array((2,), np.float64)}


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"make": lambda task, seed: Flat()}, "observation is called 'reward'"),
        (
            {"tasks": lambda *_, count: [server.Task("a", "b", "train", {"c": {1}})]},
            "not JSON",
        ),
        ({"tasks": lambda *_, count: [server.Task(1, "b", "train")]}, "no task_id"),
        ({"tasks": lambda *_, count: [server.Task("../a", "b", "c")]}, "slash"),
        ({"tasks": lambda *_, count: []}, "no task"),
        ({"name": "another"}, "world is 'another'"),
        ({"horizon": 0}, "horizon"),
    ),
)
def test_a_world_that_does_not_fit_is_refused_at_once(changes, said):
    with _served(dataclasses.replace(SERVED, **changes)) as found:
        with pytest.raises(UserError, match=said):
            wtl.worlds.remote("plain_point", found.address)


def test_where_nothing_listens_the_address_is_named():
    with _served() as found:
        pass
    with pytest.raises(UserError, match=f"{found.address}: nothing.*`wtl serve_world`"):
        World.remote(found.address, retries=0)
    with pytest.raises(UserError, match="HOST:PORT"):
        World.remote("localhost")


def test_a_copy_of_its_file_needs_none_of_the_pins(tmp_path):
    """Nor does the file that makes Gymnasium environments dm_env ones."""
    shutil.copy(server.__file__, tmp_path / "wtl_server.py")
    shutil.copy(gym_environment.__file__, tmp_path / "wtl_gym.py")
    in_place = (server.__name__, os.pathsep.join(sys.path))
    for modules, path in (("wtl_server, wtl_gym", str(tmp_path)), in_place):
        loaded = subprocess.run(
            [sys.executable, "-c", f"import sys, {modules}; print(*sys.modules)"],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
        ).stdout.split()
        assert not {"tensorflow", "tf_agents", "gin", "mujoco"} & set(loaded)
        assert ("wtl" in loaded) == (modules == server.__name__)
