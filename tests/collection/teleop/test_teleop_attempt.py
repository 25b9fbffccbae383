"""Attempts of an operator that a session saves, and those it refuses."""

import numpy as np
import pytest
from driven import EAST, Driven, plan_items
from key_operator import press

from wtl.collection.teleop import attempt
from wtl.collection.teleop.interface import Command
from wtl.collection.teleop.session import Phase
from wtl.collection.worlds.tabletop import environment
from wtl.collection.worlds.tabletop.experts import grasp
from wtl.collection.worlds.tabletop.tabletop import TABLETOP
from wtl.datasets.contract import fields

TELEOP = TABLETOP.teleop


@pytest.fixture
def driven(tmp_path):
    with Driven(tmp_path / "staged") as made:
        yield made


def test_idle_ends_are_trimmed_and_said_so(driven):
    driven.hold(Command(wait=True), 6)
    driven.solve()
    driven.do("keep")
    (episode,) = driven.staged()
    assert "idle steps trimmed: 6 at the head" in episode.metadata[fields.NOTES]
    assert len(episode) == environment.HORIZON + 1
    assert episode.steps[fields.ACTION][0, :4].any()
    assert not episode.steps[fields.ACTION][-7:-1, :4].any()


def test_trimming_holds_still_with_the_fingers_as_they_were():
    actions = np.zeros((6, 5), np.float32)
    actions[:, 4] = (1, 1, -1, -1, -1, -1)
    actions[4, 0] = 0.5
    kept = attempt.trim(actions, TELEOP)
    assert kept == slice(2, 5)
    np.testing.assert_array_equal(TELEOP.hold(actions[kept][-1]), [0, 0, 0, 0, -1])
    idle = np.ones((4, 5), np.float32) * (0, 0, 0, 0, 1)
    assert attempt.trim(idle, TELEOP) == slice(0, 0)


def test_keep_before_the_horizon_holds_still_up_to_it(tmp_path):
    with Driven(tmp_path, plan_items(("press",))) as driven:
        item = driven.session.request
        while not driven.session.status()["success"]:
            pressed = press("press", driven.session.env.world, item.scene.target)
            driven.hold(pressed.command, 1)
        assert driven.session.phase is Phase.ACTING
        driven.do("keep")
        (episode,) = driven.staged()
    assert len(episode) == environment.HORIZON + 1
    assert episode.metadata[fields.SUCCESS]


def test_failures_are_not_kept_but_may_be_overruled(driven):
    driven.refuse("keep", "nothing to keep")
    driven.hold(EAST, 2)
    driven.refuse("keep", "success test")
    assert not driven.staged()
    # Overruled or not: nothing was pressed, which no learner could tell.
    driven.do("override", True)
    driven.refuse("keep", "moved more than the target")


def test_an_overruled_success_is_kept_and_flagged(tmp_path):
    with Driven(tmp_path, plan_items(("grasp",))) as driven:
        item = driven.session.request
        while not grasp.is_held(driven.session.env.world, item.scene.target):
            pressed = press("grasp", driven.session.env.world, item.scene.target)
            driven.hold(pressed.command, 1)
        driven.hold(Command(axes=(0.0, 0.0, 0.12, 0.0)), 3)  # not high enough
        driven.refuse("keep", "")
        driven.do("override", True)
        driven.do("keep")
        (episode,) = driven.staged()
    assert episode.metadata[fields.SUCCESS]
    assert episode.steps[fields.REWARD][-2] == 1
    assert "overruled" in episode.metadata[fields.NOTES]


def test_another_object_moved_more_is_refused(tmp_path):
    items = plan_items(("push",))
    setup = items[0].scene
    other = (setup.target + 1) % 3
    with Driven(tmp_path, items) as driven:
        while driven.session.phase in (Phase.READY, Phase.ACTING):
            pressed = press("push", driven.session.env.world, other)
            driven.hold(pressed.command, 1)
        driven.do("override", True)
        driven.refuse("keep", "moved more than the target")


def test_undo_is_durable_and_offers_the_scene_again(driven):
    kept = []
    for _ in range(2):
        kept.append(driven.session.request.episode_id)
        driven.solve()
        driven.do("keep")
    driven.do("undo")
    assert [episode.id for episode in driven.staged()] == kept[:1]
    assert driven.session.request.episode_id == kept[1]
    # Recorded in another way, under the same name.
    driven.hold(Command(axes=(0.0, 0.0, 0.4, 0.0)), 1)
    driven.solve()
    driven.do("keep")
    assert [episode.id for episode in driven.staged()] == kept
    for _ in kept:
        driven.do("undo")
    driven.refuse("undo", "No kept episode")


def test_undo_leaves_what_was_kept_for_other_tasks(tmp_path):
    with Driven(tmp_path, plan_items(("press",))) as driven:
        driven.solve()
        driven.do("keep")
    with Driven(tmp_path, plan_items(("push",))) as driven:
        driven.refuse("undo", "No kept episode")


def test_the_next_day_goes_on_where_the_last_one_stopped(tmp_path):
    with Driven(tmp_path) as driven:
        for _ in range(3):
            driven.solve()
            driven.do("keep")
        due = driven.session.request
        assert driven.session.status()["progress"] == {
            "episodes": [3, 6],
            "tasks": [1, 3],
            "task": [1, 2],
            "families": {"press": [1, 1], "grasp": [0, 1], "push": [0, 1]},
        }
    with Driven(tmp_path) as driven:
        assert driven.session.request == due
        driven.do("undo")
        assert driven.session.status()["progress"]["episodes"] == [2, 6]


def test_a_full_disk_loses_neither_what_is_kept_nor_the_attempt(driven, monkeypatch):
    import errno

    from wtl.datasets.storage import staging

    driven.solve()

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(staging.os, "write", full)
    driven.refuse("keep", "disk is full")
    monkeypatch.undo()
    driven.do("keep")
    assert len(driven.staged()) == 1


def test_an_episode_that_breaks_the_schema_is_not_kept(driven, monkeypatch):
    from wtl.collection.teleop import session

    def broken(*given, **known):
        episode = make(*given, **known)
        episode.steps[fields.STATE][3] = np.nan
        return episode

    make = session.make_episode
    driven.solve()
    with monkeypatch.context() as patched:
        patched.setattr(session, "make_episode", broken)
        driven.refuse("keep", "not finite at step 3")
    driven.do("keep")
    assert len(driven.staged()) == 1
