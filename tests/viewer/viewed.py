"""Datasets to look at, and viewers of them, for tests."""

import asyncio
import contextlib
import dataclasses
import functools
import json
import pathlib
import threading
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
from demonstrating import demonstrate, request

from wtl.collection import local_server
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import families, object_set
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import Episode, EpisodeSpec, episode_id
from wtl.datasets.storage import publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.viewer.api import Api
from wtl.viewer.library import Library
from wtl.viewer.server import application

SPEC = episode_spec(3, CameraConfig(16))
FAMILIES = ("press", "grasp")
TASKS = 3  # of each family


@functools.cache
def demonstrated(family: str, number: int) -> Episode:
    """A scripted demonstration, with small images that count its frames."""
    split = ("train", "val", "test")[number % 3]
    drawn = object_set.draw(f"{split}-{number:05d}", 3, 0)
    task = Task(drawn, family, families.FAMILIES[family].friction_range[1], split)
    name = episode_id(fields.WTL_DEMOS, task.task_id, "demo", number, number)
    scene_config = SceneConfig(task, number, 0)
    episode = demonstrate(request(scene_config, name, number), 0.1)
    image = np.zeros((len(episode), 16, 16, 3), np.uint8)
    image[:] = np.arange(len(episode), dtype=np.uint8)[:, None, None, None] * 6
    steps = dict(episode.steps) | {fields.IMAGE: image}
    return dataclasses.replace(episode, steps=steps)


def tried(demo: Episode, role: str, success: bool, trials: tuple = ()) -> Episode:
    """A trial or retrial: the same motion under another name."""
    known = demo.metadata
    steps = dict(demo.steps)
    # Not the very same, or it would be a duplicate.
    steps["action"] = steps["action"] * np.float32(0.9 if role == "trial" else 0.8)
    steps["reward"] = np.zeros_like(steps["reward"])
    steps["reward"][-2] = success
    given = {
        fields.EPISODE_ID: episode_id(
            fields.WTL_TRIALS, known[fields.TASK_ID], role, len(trials), 0
        ),
        fields.ROLE: role,
        fields.SUCCESS: success,
        fields.DEMONSTRATOR: "",
        fields.POLICY_ID: f"{role}0123",
        fields.PARENT_DEMO_IDS: (demo.id,),
        fields.PARENT_TRIAL_IDS: tuple(trial.id for trial in trials),
    }
    return Episode(steps, dict(known) | given)


def published(
    root: pathlib.Path,
    name: str,
    episodes: list[Episode],
    spec: EpisodeSpec = SPEC,
    version: str = "1.0.0",
) -> pathlib.Path:
    """Publishes episodes as a dataset version."""
    staged = root.parent / f"staged-{name}-{version}"
    with StagingWriter(staged, spec) as writer:
        writer.append(episodes)
    return publish.publish(staged, root, name, version, spec, {})


def make_run(folder: pathlib.Path) -> pathlib.Path:
    """A run with demonstrations, and a trial and a retrial of each."""
    demos = [demonstrated(f, i) for f in FAMILIES for i in range(TASKS)]
    trials, retrials = [], []
    for number, demo in enumerate(demos):
        trial = tried(demo, "trial", success=number % 2 == 1)
        trials.append(trial)
        retrials.append(tried(demo, "retrial", success=True, trials=(trial,)))
    published(folder / "datasets", fields.WTL_DEMOS, demos)
    published(folder / "datasets", fields.WTL_TRIALS, trials + retrials)
    return folder


def tree(folder: pathlib.Path) -> dict[str, bytes]:
    """Bytes of every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class NoRenderer:
    """A machine without OpenGL."""

    missing = "images can't be rendered here"


class Viewed:
    """A running viewer.

    Attributes:
      library: what it shows.
      address: of its page, with the token.
      origin: the address without path and token.
      port: of it.
      cookie: the cookie of a browser that has opened the address.
    """

    def __init__(self, library: Library, address: str):
        self.library, self.address = library, address
        self.origin, _, query = address.partition("/?")
        self.port = int(self.origin.rpartition(":")[2])
        self.cookie = f"wtl_{self.port}={query.removeprefix('token=')}"

    def at(self, selection: str) -> str:
        """The address of a selection, after the `#`."""
        return f"{self.address}#{selection}"

    def ask(self, path: str, method: str = "GET", body=None, **headers):
        """Returns status, headers and content; JSON is parsed."""
        if body is not None:
            headers = {
                "Origin": self.origin,
                "Content-Type": "application/json",
            } | headers
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Cookie": self.cookie} | headers
        given = {k.replace("_", "-"): v for k, v in headers.items() if v is not None}
        request = urllib.request.Request(
            self.origin + path, data=body, method=method, headers=given
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, found, data = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, found, data = error.code, error.headers, error.read()
        if found.get_content_type() == "application/json":
            data = json.loads(data)
        return status, found, data

    def get(self, path: str):
        """The content of what must be there."""
        status, _, data = self.ask(path)
        assert status == 200, data
        return data

    def first(self, **query) -> str:
        """The id of the first episode that is so."""
        found = self.get(f"/api/episodes?{urllib.parse.urlencode(query)}")
        return found["rows"][0]["id"]

    def edit(self, **edits):
        """Makes edits; returns what is pending."""
        status, _, told = self.ask("/api/edits", "PUT", {"edits": edits})
        assert status == 200, told
        return told["datasets"]

    def publish(self, dataset: str):
        """Publishes; returns what came of it."""
        status, _, told = self.ask("/api/publish", "POST", {"dataset": dataset})
        assert status == 200, told
        return told


@contextlib.contextmanager
def viewing(path: pathlib.Path, renderer=None):
    """Serves a folder in a thread of this process."""
    library = Library(path)
    api = Api(library, renderer or NoRenderer(), lambda pending: pending.publish({}))
    ready, addresses, ends = threading.Event(), [], []

    async def serve():
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        async with local_server.listening(application(api), "127.0.0.1", 0) as address:
            addresses.append(address)
            ends.append(lambda: loop.call_soon_threadsafe(ended.set))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield Viewed(library, addresses[0])
    finally:
        ends[0]()
        thread.join(30)
        for index in library.indices.values():
            index.pending.close()
