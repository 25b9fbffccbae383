"""A lesson from demonstration to retrial, without browser and trained policies."""

import xml.etree.ElementTree as ET

import pytest
from taught import SUITE, taught

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify
from wtl.teach import belief
from wtl.teach.keeper import Keeper


def test_the_whole_story():
    """Demonstration, trial, judgement, retrial; then another scene."""
    made = taught()
    teacher = made.teacher
    assert teacher.json["source"] == "robot" and teacher.demo.id.startswith(
        "wtl_demos-demo"
    )
    assert teacher.json["label"] == "MIL"
    teacher.attempt()
    (trial,) = teacher.tries
    assert trial.episode.metadata[fields.ROLE] == fields.ROLE_TRIAL
    assert trial.episode.metadata[fields.PARENT_DEMO_IDS] == (teacher.demo.id,)
    assert not trial.achieved and trial.judged is None
    teacher.judge(False)
    # The retrial policy says what it believes now, given the trial.
    assert made.retrial.given == [([teacher.demo.id], [False])]
    assert teacher.json["label"] == "WTL"
    before, now = teacher.json["tries"][0]["believed"], teacher.json["belief"]
    assert [e["weight"] for e in before["entities"]] != [
        e["weight"] for e in now["entities"]
    ]
    teacher.attempt()
    teacher.judge(True)
    retrial = teacher.tries[1].episode
    assert retrial.metadata[fields.ROLE] == fields.ROLE_RETRIAL
    assert retrial.metadata[fields.PARENT_TRIAL_IDS] == (trial.episode.id,)
    assert (
        retrial.metadata[fields.SCENE_SEED] == trial.episode.metadata[fields.SCENE_SEED]
    )
    teacher.attempt(new_scene=True)
    third = teacher.tries[2].episode.metadata
    assert third[fields.SCENE_SEED] != retrial.metadata[fields.SCENE_SEED]
    assert third[fields.PARENT_TRIAL_IDS] == (trial.episode.id, retrial.id)
    assert made.retrial.given[-1][1] == [False, True]


def test_the_visitor_overrules_the_environment():
    made = taught()
    made.teacher.attempt()
    made.teacher.judge(True)
    (tried,) = made.teacher.tries
    assert not tried.achieved
    assert tried.lesson.metadata[fields.SUCCESS] is True
    assert tried.lesson.steps[fields.REWARD][-2] == 1
    assert "FLAG success overruled" in tried.lesson.metadata[fields.NOTES]
    made.teacher.judge(False)  # changes their mind
    assert tried.lesson is tried.episode


def test_what_can_not_be_is_refused():
    teacher = taught().teacher
    with pytest.raises(UserError, match="nothing has been tried"):
        teacher.judge(True)
    with pytest.raises(UserError, match="no demonstration by human"):
        teacher.show("human")
    with pytest.raises(UserError, match="no family 'juggle'"):
        teacher.begin("juggle")
    teacher.attempt()
    with pytest.raises(UserError, match="right or wrong"):
        teacher.attempt()
    teacher.judge(False)
    teacher.keep()
    with pytest.raises(UserError, match="kept as it was judged"):
        teacher.judge(True)
    teacher.begin("push")
    assert teacher.tries == [] and teacher.json["family"] == "push"


def test_lessons_begin_again_when_all_that_is_recorded_was_taught():
    teacher = taught().teacher
    first = teacher.demo.id
    for _ in range(2 * len(SUITE.family_names)):
        assert teacher.demo is not None
        teacher.begin("press")
    assert teacher.demo.id == first


def test_every_family_has_lessons_in_scenes_where_the_readings_differ():
    teacher = taught().teacher
    assert teacher.json["families"] == SUITE.family_names
    for family in SUITE.family_names:
        teacher.begin(family)
        lesson = teacher.lesson
        slots = belief.readings(
            lesson.task,
            lesson.demo_scene.scene_seed,
            lesson.demo_scene.slot,
            lesson.scene_seeds[0],
        )
        assert slots["identity"] != slots["position"], family
        # All rules of these tasks are by position.
        scene = lesson.task.scene(lesson.scene_seeds[0])
        assert scene.slot == slots["position"]
    shown = teacher.json["belief"]
    ET.fromstring(shown["drawing"])
    assert sum(entity["weight"] for entity in shown["entities"]) > 0.9
    named = {entity["name"] for entity in shown["entities"]}
    assert {reading["entity"] for reading in shown["readings"]} <= named


def test_what_is_kept_is_published_as_linked_datasets(tmp_path):
    made = taught()
    teacher = made.teacher
    for success in (False, True):
        teacher.attempt()
        teacher.judge(success)
    assert not teacher.json["kept"]
    keeper = Keeper(tmp_path, spec_of)
    teacher.keep()
    teacher.keep()
    assert teacher.json["kept"]
    for what in made.kept:
        keeper.keep(*what)
    assert keeper.count == 3  # none of them twice
    first = keeper.publish({"seed": 0})
    assert keeper.publish({"seed": 0}) == []  # nothing is new
    assert [path.parent.name for path in first] == [
        fields.WTL_DEMOS,
        fields.WTL_TRIALS,
        fields.WTL_RETRIALS,
    ]
    assert all(verify.verify(path) == [] for path in first)
    demos, trials, retrials = map(reader.read, first)
    assert trials[fields.PARENT_DEMO_IDS][0][0] in demos.index_by_id
    assert retrials[fields.PARENT_TRIAL_IDS][0][0] in trials.index_by_id
    assert retrials[fields.SUCCESS].tolist() == [True]  # the visitor's judgement
    # The next visitor's episodes make the next version.
    teacher.begin()
    teacher.attempt()
    teacher.judge(False)
    teacher.keep()
    Keeper(tmp_path, spec_of).keep(*made.kept[-1])
    again = Keeper(tmp_path, spec_of).publish({"seed": 0})
    assert [path.name for path in again] == ["2.0.0", "2.0.0"]
    assert len(reader.read(again[0])) == 2


def spec_of(name: str):
    """Spec of the episodes of a dataset."""
    del name
    return SUITE.episode_spec()
