"""Policy servers in a thread of the test, and policies for them."""

import asyncio
import contextlib
import dataclasses
import pathlib
import threading

import numpy as np
import pytest

from wtl.collection import local_server
from wtl.collection.worlds.plain import perception
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.observation import IMAGE, Observation
from wtl.policies import export
from wtl.policies.chunked_policy import ChunkedPolicy
from wtl.policies.contextual.config import FLAT
from wtl.policies.methods import METHODS
from wtl.policies.normaliser import NormalisedPolicy, Normaliser
from wtl.serving.context_episode import RunEpisodes
from wtl.serving.server import PolicyServer

websocket_client_policy = pytest.importorskip(
    "openpi_client.websocket_client_policy", reason="`make test` installs it"
)


@contextlib.contextmanager
def running(policy, /, run=pathlib.Path("nowhere"), token="", **metadata):
    """Serve a policy on a free port; give the server, whose `port` it is."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    async def serve():
        async with local_server.bound(server.app, "127.0.0.1", 0) as place:
            server.port = int(place.rpartition(":")[2])
            started.set()
            await ended.wait()

    server = PolicyServer(policy, RunEpisodes(run), metadata, token)
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(30)
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def connect(port: int, **settings):
    return websocket_client_policy.WebsocketClientPolicy("127.0.0.1", port, **settings)


ARM = EpisodeSpec(
    (Observation("arm/joints", (3,)), Observation("camera", (20, 28, 3), IMAGE)),
    action_size=2,
)


def save_chunked(folder):
    """Save an untrained policy, of an arm without an environment.

    It acts on images and joints in chunks of 4 actions, of which 2 are executed.
    """
    layout = PlainLayout.of(ARM)
    config = METHODS["mil"].config
    config = dataclasses.replace(
        config,
        **dict(layout=layout, action_size=2, encoder=FLAT),
        **dict(hidden=(16,), embedding=16, context_frames=4, chunk=4, executed=2),
    )
    kind = METHODS["mil"].kind
    policy = ChunkedPolicy(kind.policy(kind.network(config)))
    size, high = layout.state_size, np.full(2, 90.0, np.float32)
    normaliser = Normaliser(np.zeros(size), np.ones(size), -high, high)
    network = perception.create(layout, {"camera": (20, 28)}, is_human=False)
    policy = perception.policy(network, NormalisedPolicy(policy, normaliser))
    return export.save(policy, folder / "saved_model", "arm")


def arm_episode(steps: int, seed: int) -> dict:
    """An episode of the arm as a client sends it, its observations nested."""
    rng = np.random.default_rng(seed)
    camera = rng.integers(0, 256, (steps + 1, 20, 28, 3), np.uint8)
    return {
        "observation": {
            "arm": {"joints": rng.normal(size=(steps + 1, 3))},
            "camera": camera,
        },
        "action": rng.uniform(-90, 90, (steps, 2)),
        "success": True,
    }


def sent(episode: Episode, *observations: str) -> dict:
    """An episode as a client sends it."""
    return {
        "observation": {name: episode.steps[name] for name in observations},
        "action": episode.steps["action"],
        "success": bool(episode.metadata["success"]),
    }
