"""Edits within a run: stages go on with them, and none is made while one works."""

import json
import threading

import pytest

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.curation import curate, metadata_filter
from wtl.datasets.curation.curation import Curation
from wtl.datasets.curation.edits import PendingEdits
from wtl.datasets.storage import checksums, location, publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.pipeline import view
from wtl.pipeline.run import Run
from wtl.pipeline.run_folder import RunFolder

NAME = fields.WTL_DEMOS


@pytest.fixture
def run(tmp_path):
    return Run(
        RunFolder(tmp_path / "run"),
        TaskDistribution(),
        seed=0,
        workers=1,
    )


def _collect(run, collected, version="1.0.0"):
    """Does a stage that publishes four episodes."""

    def work(key):
        collected.append(key)
        staged = run.folder.staging / version
        with StagingWriter(staged, SPEC) as writer:
            writer.append([fake_episode(index) for index in range(4)])
        account = {"key": key}
        root = run.folder.datasets
        path = publish.publish(staged, root, NAME, version, SPEC, account)
        return {NAME: checksums.fingerprint(path)}

    outputs = {NAME: lambda: run.datasets.collected_fingerprint(NAME)}
    return run.do("collect_demos", {"version": version}, {}, outputs, work)


def test_what_was_edited_is_taken_and_not_collected_again(run, monkeypatch):
    monkeypatch.setattr(view.server, "run", _mark_first_invalid)
    collected = []
    assert run.datasets.collected_fingerprint(NAME) is None
    assert _collect(run, collected) is True
    assert _collect(run, collected) is False
    was = run.inputs(NAME)[NAME]
    view.view(run.folder.path, "127.0.0.1", 0)
    curation = Curation([run.datasets.path(NAME)], run.folder.datasets)
    curate.filter_episodes(curation, [metadata_filter.parse("invalid=false")])
    versions = location.versions(run.folder.datasets / NAME)
    assert [path.name for path in versions] == ["1.0.0", "2.0.0", "3.0.0"]
    # The stage is done, and those after it see that their input is another.
    assert _collect(run, collected) is False and len(collected) == 1
    assert run.datasets.collected_fingerprint(NAME) == was
    assert run.inputs(NAME)[NAME] == checksums.fingerprint(versions[-1]) != was
    # Another configuration collects anew, on top.
    assert _collect(run, collected, "4.0.0") is True and len(collected) == 2


def _mark_first_invalid(path, publisher, host, port):
    pending = PendingEdits(path / "datasets" / NAME / "1.0.0")
    pending.change({fake_episode(0).id: {fields.INVALID: True}})
    made = publisher(pending)
    pending.close()
    account = json.loads((made.path / fields.PROVENANCE_FILE).read_text())
    assert account["versions"]["mujoco"] and "commit" in account

    class Library:
        indices = {}

    return Library


def test_nothing_is_published_into_a_run_that_works(run, monkeypatch):
    monkeypatch.setattr(view.server, "run", _mark_first_invalid)
    _collect(run, [])
    claimed, done = threading.Event(), threading.Event()

    def work():
        with run.folder.lock():
            claimed.set()
            done.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert claimed.wait(60)
    try:
        with pytest.raises(UserError, match="in use by process"):
            view.view(run.folder.path, "127.0.0.1", 0)
    finally:
        done.set()
        thread.join()
    assert run.datasets.path(NAME).name == "1.0.0"
    pending = PendingEdits(run.datasets.path(NAME))
    assert len(pending) == 1
