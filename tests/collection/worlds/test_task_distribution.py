"""Task distributions keep proportions; scenes are shuffled; rules pick targets."""

import collections
import dataclasses

import numpy as np
import pytest

from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import scene as scene_module
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.tabletop.observation import BUTTON, OBJECT, Layout, slices
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.fields import STATE

_SMALL = TaskDistribution(
    train_object_sets=50, train_tasks=50, val_tasks=25, test_tasks=50
)
_PAPER = TaskDistribution(
    size=2,
    train_object_sets=96,
    train_tasks=768,
    scenes_per_task=2,
    complete=False,
    val_tasks=40,
    test_tasks=40,
)
every_suite = pytest.mark.parametrize("suite", (_SMALL, _PAPER), ids=("small", "paper"))


@every_suite
def test_splits_have_disjoint_object_sets(suite):
    names, contents = [], []
    for split in fields.SPLITS:
        drawn = {task.object_set for task in suite.tasks(split)}
        assert all(task.split == split for task in suite.tasks(split))
        names.append({s.name for s in drawn})
        contents.append({(s.props, s.button_rgbs) for s in drawn})
    for sets in (names, contents):
        assert len(set.union(*sets)) == sum(map(len, sets))


@every_suite
def test_tasks_are_a_pure_function_of_the_suite(suite):
    for split in fields.SPLITS:
        tasks = suite.tasks(split)
        assert tasks == suite.tasks(split)
        assert len({task.task_id for task in tasks}) == len(tasks)
    assert (
        TaskDistribution(seed=1).tasks(fields.SPLIT_VAL)[0].object_set
        != TaskDistribution().tasks(fields.SPLIT_VAL)[0].object_set
    )


@every_suite
@pytest.mark.parametrize("split", (fields.SPLIT_VAL, fields.SPLIT_TEST))
def test_rule_shares_are_exact_in_every_family(suite, split):
    tasks = suite.tasks(split)
    assert len({task.object_set.name for task in tasks}) == len(tasks)
    for family in FAMILIES:
        rules = [task.rule for task in tasks if task.family == family]
        assert len(rules) == len(tasks) / len(FAMILIES)
        by_identity = sum(rule.kind is RuleKind.IDENTITY for rule in rules)
        assert by_identity == int(0.6 * len(rules) + 1e-9)
        assert all(0 <= rule.index < suite.size for rule in rules)


def test_rules_point_everywhere():
    rules = [
        task.rule for task in TaskDistribution(test_tasks=500).tasks(fields.SPLIT_TEST)
    ]
    counts = collections.Counter((rule.kind, rule.index) for rule in rules)
    for index in range(3):
        assert 70 <= counts[RuleKind.IDENTITY, index] <= 130  # 100 expected
        assert 45 <= counts[RuleKind.POSITION, index] <= 90  # 67 expected


def test_complete_suite_demonstrates_every_target_of_every_scene():
    for task in _SMALL.tasks(fields.SPLIT_TRAIN):
        assert task.rule is None
        scenes = _SMALL.demonstration_scenes(task)
        assert len(scenes) == len(set(scenes)) == 9
        assert len({scene_config.scene_seed for scene_config in scenes}) == 3
        assert {scene_config.target for scene_config in scenes} == {0, 1, 2}


def test_paper_preset_has_the_size_of_the_paper():
    tasks = _PAPER.tasks(fields.SPLIT_TRAIN)
    assert len(tasks) == 768
    per_set = collections.Counter(task.object_set.name for task in tasks)
    assert len(per_set) == 96 and set(per_set.values()) == {8}
    per_family = collections.Counter(task.family for task in tasks)
    assert set(per_family) == set(FAMILIES)
    assert max(per_family.values()) - min(per_family.values()) <= 1
    by_identity = sum(task.rule.kind is RuleKind.IDENTITY for task in tasks)
    assert abs(by_identity / 768 - 0.6) < 0.01
    scenes = [s for task in tasks for s in _PAPER.demonstration_scenes(task)]
    assert len(scenes) == 1536
    for scene_config in scenes:
        scene = scene_module.draw(2, scene_config.scene_seed)
        task = scene_config.task
        assert scene_config.target == scene.referent(task.rule, task.goal.kind)
    assert len({(s.task.task_id, s.scene_seed) for s in scenes}) == 1536
    assert (
        len(_PAPER.tasks(fields.SPLIT_VAL))
        == len(_PAPER.tasks(fields.SPLIT_TEST))
        == 40
    )


def test_scenes_of_different_purposes_differ():
    task = _SMALL.tasks(fields.SPLIT_TEST)[0]
    seeds = {
        _SMALL.scene_seed(task, purpose, index)
        for purpose in ("demo", "trial")
        for index in range(3)
    }
    assert len(seeds) == 6


@pytest.mark.parametrize("size", (2, 3))
def test_order_and_places_are_shuffled_per_scene(size):
    drawn = [scene_module.draw(size, seed) for seed in range(600)]
    for field in ("object_slots", "button_slots", "object_places", "button_places"):
        orders = collections.Counter(tuple(getattr(s, field)) for s in drawn)
        orderings = {2: 2, 3: 6}[size]
        assert len(orders) == orderings
        assert min(orders.values()) > 0.6 * len(drawn) / orderings
    # Neither order tells anything about the other.
    same = np.mean([(s.object_slots == s.object_places).all() for s in drawn])
    assert abs(same - 1 / orderings) < 0.08


@pytest.mark.parametrize("size", (2, 3))
def test_places_are_counted_from_the_left_and_kept_apart(size):
    for seed in range(200):
        scene = scene_module.draw(size, seed)
        xs = scene.object_poses[:, 0]
        np.testing.assert_array_equal(scene.object_places, xs.argsort().argsort())
        button_xs = scene.button_positions[:, 0]
        np.testing.assert_array_equal(
            scene.button_places, button_xs.argsort().argsort()
        )
        # No object is struck against the anchor on its way to the band.
        assert np.abs(xs - scene.anchor[0]).min() > 0.07


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_pick_the_same_thing_or_the_same_place(family):
    on_buttons = FAMILIES[family].kind == 1
    suite = _SMALL
    task = next(
        task for task in suite.tasks(fields.SPLIT_TEST) if task.family == family
    )
    layout = Layout(suite.size)
    parts = slices(BUTTON if on_buttons else OBJECT)
    props = task.object_set.props
    rgbs = task.object_set.button_rgbs if on_buttons else [p.rgb for p in props]
    env, picked = Manipulation(SceneConfig(task, 0, 0)), set()
    for kind in (RuleKind.IDENTITY, RuleKind.POSITION):
        for index in range(suite.size):
            for scene_seed in range(8):
                scene_config = task.scene(scene_seed, Rule(kind, index))
                env.prepare(scene_config)
                rows = layout.split(env.reset().observation[STATE])
                rows = rows["buttons" if on_buttons else "objects"]
                slot = env.target_slot - (suite.size if on_buttons else 0)
                if kind is RuleKind.IDENTITY:
                    np.testing.assert_allclose(
                        rows[slot, parts["rgb"]], rgbs[index], rtol=1e-6
                    )
                else:
                    assert rows[:, parts["position"]][:, 0].argsort()[index] == slot
                picked.add((kind, index, scene_config.target))
    assert len(picked) == 3 + 9  # identity fixes the target, position does not


def test_slots_name_each_object_and_button_once():
    tasks = {task.family: task for task in _SMALL.tasks(fields.SPLIT_TEST)}
    scene = scene_module.draw(3, 1)
    assert {tasks["grasp"].slot_of(scene, i) for i in range(3)} == {0, 1, 2}
    assert {tasks["press"].slot_of(scene, i) for i in range(3)} == {3, 4, 5}


def test_rules_are_written_and_read():
    for rule in (Rule(RuleKind.IDENTITY, 2), Rule(RuleKind.POSITION, 0)):
        assert Rule.parse(str(rule)) == rule
    with pytest.raises(ValueError):
        Rule.parse("colour:1")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_left_out_is_only_tested_on(family):
    suite = dataclasses.replace(_SMALL, left_out=family)
    trained = collections.Counter(
        task.family for task in suite.tasks(fields.SPLIT_TRAIN)
    )
    assert set(trained) == set(FAMILIES) - {family}
    assert max(trained.values()) - min(trained.values()) <= 1
    for split in (fields.SPLIT_VAL, fields.SPLIT_TEST):
        assert suite.tasks(split) == _SMALL.tasks(split)


def test_an_unknown_family_to_leave_out_is_named():
    with pytest.raises(UserError, match="'pour'"):
        TaskDistribution(left_out="pour")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("position:0", "the leftmost"),
        ("position:1", "the middle"),
        ("position:2", "the rightmost"),
        ("identity:2", "the same"),
    ],
)
@pytest.mark.parametrize("family, noun", [("push", "object"), ("press", "button")])
def test_an_instruction_names_the_target(rule, words, family, noun):
    tasks = _SMALL.tasks(fields.SPLIT_TEST)
    task = next(task for task in tasks if task.family == family)
    task = dataclasses.replace(task, rule=Rule.parse(rule))
    assert f"{words} {noun}" in task.instruction
