"""Workers change how fast episodes are made, never which, and die audibly."""

import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from demonstrating import request

from wtl.collection import episode_request
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.vector_environment import ProcessVectorEnvironment, play_shards
from wtl.collection.worker import WorkerError
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.fields import STATE

_SUITE = TaskDistribution(train_object_sets=10, train_tasks=10, scenes_per_task=2)
_SCENE_CONFIGS = [
    setup
    for task in _SUITE.tasks(fields.SPLIT_TRAIN)
    for setup in _SUITE.demonstration_scenes(task)
]
_TIMEOUT = 60  # seconds


@pytest.fixture(autouse=True)
def no_hang():
    """Turns waiting forever into a failure."""

    def fail(*_):
        raise TimeoutError(f"still waiting after {_TIMEOUT} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(_TIMEOUT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _shards(count):
    requests = [
        request(setup, f"id-{seed}", seed)
        for seed, setup in enumerate(_SCENE_CONFIGS[:count])
    ]
    return episode_request.shards(ScriptedExpert(0.15), requests, 16)


def _assert_same(one, other):
    assert one.metadata == other.metadata
    assert one.steps.keys() == other.steps.keys()
    for name in one.steps:
        assert one.steps[name].tobytes() == other.steps[name].tobytes(), name


def _kill_workers():
    workers = multiprocessing.active_children()
    assert workers
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)


def test_parallel_demonstrations_equal_serial_ones_in_order():
    shards = _shards(40)  # two full shards and a part
    serial = [episode for shard in shards for episode in shard.play()]
    parallel = [e for episodes in play_shards(shards, 2) for e in episodes]
    assert len(parallel) == len(serial) == 40
    for one, other in zip(serial, parallel, strict=True):
        _assert_same(one, other)


def test_size_of_shards_does_not_change_demonstrations():
    (whole,) = _shards(10)
    alone = episode_request.shards(whole.actor, list(whole.requests), 1)
    for one, (other,) in zip(whole.play(), (s.play() for s in alone), strict=True):
        _assert_same(one, other)


def test_no_shards_are_no_work():
    assert list(play_shards([], 2)) == []


def test_a_killed_demonstration_worker_is_reported():
    played = play_shards(_shards(60) * 20, 2)
    next(played)
    _kill_workers()
    with pytest.raises(WorkerError, match="a collection worker died.*fewer workers"):
        list(played)


class _DiesWhileItSends:
    """Shard whose worker is killed in the middle of its result."""

    def play(self):
        frame = sys._getframe()
        while "result_queue" not in frame.f_locals:
            frame = frame.f_back
        queue = frame.f_locals["result_queue"]
        queue._wlock.acquire()
        os.write(queue._writer.fileno(), struct.pack("!i", 1000) + b"the beginning")
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", (1, 2))
def test_a_worker_killed_while_it_sends_is_reported(workers):
    shards = [_DiesWhileItSends(), *_shards(40)]
    with pytest.raises(WorkerError, match="a collection worker died"):
        list(play_shards(shards, workers))


def test_leaving_demonstrations_early_ends_the_workers():
    played = play_shards(_shards(60), 1)
    next(played)
    played.close()
    # They finish the shards that they have begun; `no_hang` limits the wait.
    while multiprocessing.active_children():
        time.sleep(0.05)


def _play(pool, scenes, seed):
    rng = np.random.default_rng(seed)
    states = [pool.reset(scenes)[STATE]]
    for _ in range(HORIZON):
        states.append(pool.step(rng.uniform(-1, 1, (len(scenes), 5)))[STATE])
    metadata = [{"episode_id": f"id-{i}", "role": "trial"} for i in range(len(scenes))]
    return np.array(states), pool.finish(metadata)


def test_number_of_workers_does_not_change_episodes():
    rounds = [
        _SCENE_CONFIGS[:3],
        _SCENE_CONFIGS[3:10],
        _SCENE_CONFIGS[10:11],
        _SCENE_CONFIGS[5:9],
    ]
    with ProcessVectorEnvironment(1) as one, ProcessVectorEnvironment(2) as two:
        for seed, scenes in enumerate(rounds):
            states, episodes = _play(one, scenes, seed)
            other_states, other_episodes = _play(two, scenes, seed)
            assert states.tobytes() == other_states.tobytes()
            assert len(episodes) == len(other_episodes) == len(scenes)
            for i, episode in enumerate(episodes):
                _assert_same(episode, other_episodes[i])
                assert episode.metadata["episode_id"] == f"id-{i}"
                assert episode.metadata["scene_seed"] == scenes[i].scene_seed
                assert episode.steps["state"].tobytes() == states[:, i].tobytes()
    assert not multiprocessing.active_children()


def test_pool_equals_a_plain_environment():
    actions = np.random.default_rng(0).uniform(-1, 1, (HORIZON, 2, 5))
    with ProcessVectorEnvironment(2) as pool:
        observed = [pool.reset(_SCENE_CONFIGS[:2])] + [pool.step(a) for a in actions]
    states = [o[STATE] for o in observed]
    for i in range(2):
        env = Manipulation(_SCENE_CONFIGS[i])
        alone = [env.reset()] + [env.step(a[i]) for a in actions]
        expected = np.array([t.observation[STATE] for t in alone])
        assert np.array(states)[:, i].tobytes() == expected.tobytes()


def test_a_killed_rollout_worker_is_reported():
    with ProcessVectorEnvironment(2) as pool:
        pool.reset(_SCENE_CONFIGS[:4])
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="a rollout worker died.*rerun"):
            for _ in range(100):
                pool.step(np.zeros((4, 5)))
    assert not multiprocessing.active_children()


def test_an_error_in_a_rollout_worker_is_reported():
    with ProcessVectorEnvironment(1) as pool:
        pool.reset(_SCENE_CONFIGS[:2])
        with pytest.raises(WorkerError, match="a rollout worker failed: ValueError"):
            pool.step(np.zeros((2, 3)))


_START = {
    "demonstrations": "played = play_shards(shards * 9, 2); next(played)",
    "rollouts": "pool = ProcessVectorEnvironment(2); pool.reset(scenes[:4])",
}


@pytest.mark.parametrize("started", _START)
def test_workers_end_with_a_killed_parent(started):
    script = f"""
import os, signal
from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.vector_environment import ProcessVectorEnvironment, play_shards
from wtl.collection.worlds.task_distribution import TaskDistribution
suite = TaskDistribution(train_object_sets=5, train_tasks=5)
scenes = [s for t in suite.tasks("train") for s in suite.demonstration_scenes(t)]
requests = [EpisodeRequest(s, str(i), "demo", i) for i, s in enumerate(scenes)]
shards = episode_request.shards(ScriptedExpert(0.15), requests, 16)
{_START[started]}
print("started", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # The output ends only when all who hold it, workers among them, have ended.
    process = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    assert process.stdout == "started\n"
    assert process.returncode == -signal.SIGKILL


def test_workers_do_not_import_tensorflow():
    script = (
        "import sys, wtl.collection.vector_environment;"
        "print('tensorflow' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert process.stdout == "False\n"
