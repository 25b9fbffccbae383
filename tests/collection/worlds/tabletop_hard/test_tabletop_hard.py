"""Requirements on the hard tabletop: scenes, rules, readings, bounds."""

import collections
import dataclasses
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from demonstrating import demonstrate, request

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop_hard import object_set, oracle_bound, rules
from wtl.collection.worlds.tabletop_hard import scene as scenes
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import stack
from wtl.evaluation import played_run
from wtl.evaluation.scenario import oracle_bound_of, scenarios
from wtl.policies import features
from wtl.policies.encoders.episode import EpisodeCode
from wtl.policies.heads.evidence import DEMO, TRIAL, Evidence
from wtl.policies.heads.posterior import PosteriorHead
from wtl.policies.methods import CONDITIONS

WORLD = registry.get("tabletop_hard")
SUITE = TaskDistribution(
    domain="tabletop_hard", size=5, train_tasks=0, test_tasks=60, seed=4
)
BOUND = oracle_bound.OracleBound(SUITE)
SCENARIOS = scenarios(SUITE, fields.SPLIT_TEST, 1)
SKILL_LOSS = 0.06
ALL = dict.fromkeys(rules.KINDS, 1)


def test_tasks_have_every_number_of_objects_and_every_kind_of_rule():
    tasks = SUITE.tasks(fields.SPLIT_TEST)
    assert {task.object_set.present for task in tasks} == {3, 4, 5}
    kinds = collections.Counter(task.rule.kind for task in tasks)
    assert set(kinds) == set(rules.KINDS) and max(kinds.values()) == 10
    shapes = [
        {(prop.rgb, prop.is_box) for prop in task.object_set.props} for task in tasks
    ]
    same_colour = [len({rgb for rgb, _ in each}) < 5 for each in shapes]
    assert all(len(each) == 5 for each in shapes) and 10 < sum(same_colour) < 50


@pytest.mark.parametrize("size", (2, 8))
def test_sizes_without_rules_or_room_are_refused(size):
    with pytest.raises(UserError, match=f"suite.size is {size}.* takes 3 to 7"):
        TaskDistribution(domain="tabletop_hard", size=size).tasks("test")


def test_instructions_name_the_target_by_the_rule():
    said = {task.rule.kind: task.instruction for task in SUITE.tasks("test")[::5]}
    assert set(said) == set(rules.KINDS) and "same button" in said[RuleKind.IDENTITY]
    assert "from the front" in said[RuleKind.FRONT]
    assert "button to the anchor" in said[RuleKind.ANCHOR]
    assert "nearest button to another one" in said[RuleKind.NEAREST]
    assert "farthest button from another one" in said[RuleKind.FARTHEST]


@pytest.mark.parametrize(
    "size, present, most", ((5, 3, 0.235), (5, 5, 0.235), (7, 3, 0.345), (7, 7, 0.345))
)
def test_scenes_are_a_pure_function_and_leave_room(size, present, most):
    for seed in range(50):
        scene = scenes.draw(size, present, seed)
        again = scenes.draw(size, present, seed)
        np.testing.assert_array_equal(scene.object_poses, again.object_poses)
        x = np.sort(scene.object_poses[:present, 0])
        assert np.diff(x).min() >= 0.0999 and np.abs(x).max() <= most + 1e-4
        # An object can be struck past the anchor.
        assert np.abs(x - scene.anchor[0]).min() > 0.06
        assert (scene.object_poses[present:, 1] < -1).all()
        assert sorted(scene.object_places) == list(range(size))


def _picked_by_hand(rule, places, anchor):
    """Index of the entity that a rule picks among places [n, 2]."""
    apart = np.linalg.norm(places - places[rule.index], axis=1)
    apart[rule.index] = np.nan
    order = {
        RuleKind.POSITION: places[:, 0],
        RuleKind.FRONT: places[:, 1],
        RuleKind.ANCHOR: np.linalg.norm(places - anchor, axis=1),
    }
    if rule.kind is RuleKind.IDENTITY:
        return rule.index
    if rule.kind is RuleKind.NEAREST:
        return np.nanargmin(apart)
    if rule.kind is RuleKind.FARTHEST:
        return np.nanargmax(apart)
    return np.argsort(order[rule.kind])[rule.index]


@pytest.mark.parametrize("present", (3, 5))
def test_rules_pick_what_their_names_say(present):
    for seed in range(10):
        scene = scenes.draw(5, present, seed)
        each = (scene.object_poses[:present, :2], scene.button_positions[:present])
        for kind, places in enumerate(each):
            for rule in (Rule(k, i) for k in rules.KINDS for i in range(present)):
                expected = _picked_by_hand(rule, places, scene.anchor)
                assert scene.referent(rule, kind) == expected, rule
        assert (scene.picked[:, :, present:] == -1).all()


@pytest.fixture(scope="module")
def first_states():
    """First observed state of the scene of each scenario, and of its demonstration."""

    def state(scenario, seed):
        env = Manipulation(scenario.task.scene(seed))
        return env.reset().observation[fields.STATE]

    return [
        np.stack([state(s, getattr(s, name)) for s in SCENARIOS])
        for name in ("scene_seed", "demo_seed", "new_scene_seed")
    ]


def _picks(state):
    layout = SUITE.layout
    rows = features.split(tf.constant(state), layout)
    return layout.features.picks(rows, layout.features.entities(rows)).numpy()


def _slots(scenario, seed):
    """[n] slot of each canonical index of the kind of a scenario's targets."""
    scene, task = scenario.task.object_set.scene(seed), scenario.task
    return [task.slot_of(scene, index) for index in range(5)]


def test_networks_are_given_the_rules_of_the_world(first_states):
    picks = _picks(first_states[0])
    for scenario, found in zip(SCENARIOS, picks, strict=True):
        scene = scenario.task.object_set.scene(scenario.scene_seed)
        kind = scenario.task.goal.kind
        slots = _slots(scenario, scenario.scene_seed)
        for h, by_entity in enumerate(rules.BY_ENTITY):
            for p in range(5):
                row = found[h, slots[p] if by_entity else 5 * kind + p]
                index = scene.picked[kind, h, p]
                expected = [] if index < 0 else [slots[index]]
                assert np.flatnonzero(row).tolist() == expected


def _evidence(role, state, slot, success):
    acted = 100 * tf.one_hot(slot, 10)[:, None]
    return Evidence(
        role,
        tf.constant(state)[:, None],
        EpisodeCode(embedding=None, logits=acted),
        tf.constant(success, tf.float32)[:, None],
        tf.ones((len(slot), 1)),
    )


def test_the_head_computes_the_posterior_of_an_ideal_agent(first_states):
    """Given the demonstration, then also a trial of any entity with its success."""
    here, shown, there = first_states
    head = PosteriorHead(SUITE.layout)
    head.build(None)
    head.set_weights([head.get_weights()[0], np.full(2, -9.0)])  # never wrong
    tasks = [s.task for s in SCENARIOS]

    def slots(name, targets):
        return np.array(
            [_slots(s, getattr(s, name))[t] for s, t in zip(SCENARIOS, targets)]
        )

    acted = [t.scene(s.demo_seed).target for t, s in zip(tasks, SCENARIOS)]
    demo = _evidence(DEMO, shown, slots("demo_seed", acted), np.ones(len(tasks)))
    tried = [i % t.object_set.present for i, t in enumerate(tasks)]
    won = [
        t.scene(s.scene_seed).target == e for t, s, e in zip(tasks, SCENARIOS, tried)
    ]
    outcome = np.where(won, 1, -1)
    trial = _evidence(TRIAL, here, slots("scene_seed", tried), outcome)
    for given in ((), (trial,)):
        found = np.exp(head(tf.constant(there), [demo, *given]).numpy())
        for row, (scenario, task) in enumerate(zip(SCENARIOS, tasks, strict=True)):
            kind = task.goal.kind
            weight = oracle_bound.posterior(task, [scenario.demo_seed], ALL)
            if given:
                scene = task.object_set.scene(scenario.scene_seed)
                weight = weight * ((scene.picked[kind] == tried[row]) == won[row])
            new = task.object_set.scene(scenario.new_scene_seed)
            expected = oracle_bound.targets(weight / weight.sum(), new.picked[kind])
            order = _slots(scenario, scenario.new_scene_seed)[: len(expected)]
            np.testing.assert_allclose(found[row][order], expected, atol=0.02)


def _play(scene_config):
    env = Manipulation(scene_config)
    timestep = env.reset()
    act = WORLD.entities.experts[scene_config.task.family]
    while not timestep.last():
        timestep = env.step(act(env.world, scene_config.target).action)
    return timestep.reward > 0


@pytest.mark.parametrize("family", WORLD.families)
@pytest.mark.parametrize("size", (5, 7))
def test_experts_solve_their_families(family, size):
    suite = dataclasses.replace(SUITE, size=size)
    chosen = scenarios(suite, fields.SPLIT_TEST, 1) if size > 5 else SCENARIOS
    won = [_play(s.task.scene(s.scene_seed)) for s in chosen if s.task.family == family]
    assert np.mean(won) >= 0.9


def test_the_gripper_reaches_further_where_objects_are_spread_wider():
    reached = {}
    for size in (5, 7):
        task = dataclasses.replace(SUITE, size=size).tasks(fields.SPLIT_TEST)[0]
        env = Manipulation(task.scene(0))
        env.reset()
        for _ in range(15):
            env.step(np.array([1.0, 0, 0, 0, 1]))
        reached[size] = env.world.gripper_pose[0]
        assert env.world.setpoint[0] == task.object_set.reach
    np.testing.assert_allclose([reached[5], reached[7]], [0.30, 0.44], atol=2e-3)


RELATIONS = ("anchor", "nearest", "farthest")
HELD_OUT = dataclasses.replace(
    SUITE, train_rules=("identity", "position", "front"), test_rules=RELATIONS
)


def test_rules_of_test_tasks_may_be_others_than_those_of_training():
    alone = dataclasses.replace(HELD_OUT, train_tasks=12, complete=False)
    for split, kinds in (("train", alone.train_rules), ("val", RELATIONS)):
        assert {task.rule.kind for task in alone.tasks(split)} == set(kinds)
    held_out = scenarios(HELD_OUT, fields.SPLIT_TEST, 1)
    assert [s.task.object_set for s in held_out] == [
        s.task.object_set for s in SCENARIOS
    ]
    few, all_of_them = (
        np.array([b.open_targets(s.task, s.demo_seed, s.scene_seed) for s in held_out])
        for b in (oracle_bound.OracleBound(HELD_OUT), BOUND)
    )
    assert (few <= all_of_them).all() and few.mean() < all_of_them.mean() - 0.5


@pytest.fixture(scope="module")
def demos():
    suite = dataclasses.replace(SUITE, train_tasks=2, families=("press",))
    scenes = [s for t in suite.tasks("train") for s in suite.demonstration_scenes(t)]
    return stack([demonstrate(request(s, str(i))) for i, s in enumerate(scenes)])


@pytest.mark.parametrize("kinds", ((), ("front", "nearest")))
def test_training_examples_follow_rules_of_the_kinds_of_training(kinds, demos):
    options = {"weights": [kind in kinds for kind in rules.KINDS]} if kinds else {}
    relabeller = WORLD.relabel(demos, SUITE.layout, **options)
    index, rng, drawn = relabeller.index, np.random.default_rng(0), set()
    rows = np.arange(len(demos))
    for shift in (1, 2) * 10:
        elsewhere = (index.scene + shift) % 3
        reading = relabeller.draw_reading(rng, index.task, elsewhere, rows)
        shown = relabeller.goal(index.task, index.scene, rows, reading)
        np.testing.assert_array_equal(shown, index.goal)
        drawn |= set(reading // 5)
    assert drawn == {rules.KINDS.index(kind) for kind in kinds or rules.KINDS}


@pytest.mark.parametrize(
    "setting, said",
    (
        ({"train_rules": ("colour",)}, "train_rules names 'colour'.* has identity"),
        ({"test_rules": ("nearst",)}, "did you mean 'nearest'"),
        ({"train_rules": ("nearest",)}, "train_rules.*needs one of identity"),
        ({"left_out_objects": "cylindr"}, "did you mean 'cylinder'"),
        ({"domain": "tabletop", "test_rules": ("anchor",)}, "'tabletop' has none"),
    ),
)
def test_rules_and_categories_that_there_are_not_are_refused(setting, said):
    with pytest.raises(UserError, match=said):
        TaskDistribution(**{"domain": "tabletop_hard"} | setting)


@pytest.mark.parametrize("category", object_set.CATEGORIES)
def test_objects_of_a_category_are_in_test_scenes_alone(category):
    suite = dataclasses.replace(SUITE, train_tasks=40, left_out_objects=category)
    is_of = object_set.CATEGORIES[category]

    def share(split):
        tasks = suite.tasks(split)
        return np.mean([is_of(prop) for t in tasks for prop in t.object_set.props])

    assert share("train") == 0 and share("test") > 0.25
    assert suite.tasks("test") == SUITE.tasks("test")
    assert suite.tasks("train") == suite.tasks("train")


def _ideal(condition, rule, scenario, kinds, oracle):
    """Whether the ideal agent succeeds where `rule` is the true one; exact skill."""
    task, kind = scenario.task, scenario.task.goal.kind
    trial = task.object_set.scene(scenario.scene_seed)
    last = task.object_set.scene(scenario.seed(condition))
    demo = task.object_set.scene(scenario.demo_seed)
    h, p = rule
    weight = (demo.picked[kind] == demo.picked[kind, h, p]) & np.isin(
        rules.KINDS, kinds
    )[:, None]
    slots, made = _slots(scenario, scenario.scene_seed), []
    for _ in condition.trials:
        tried = oracle_bound.targets(weight, trial.picked[kind]).argmax()
        won = trial.picked[kind, h, p] == tried
        weight = weight * ((trial.picked[kind] == tried) == won)
        made.append((slots[tried], bool(won)))
    chosen = oracle_bound.targets(weight, last.picked[kind]).argmax()
    bound = oracle_bound_of(condition, scenario, oracle, tried=made)
    return last.picked[kind, h, p] == chosen, bound


@pytest.mark.parametrize("name", ("mil", "wtl", "wtl_2_trials", "wtl_new_scene"))
@pytest.mark.parametrize("suite", (SUITE, HELD_OUT), ids=("all rules", "relations"))
def test_bounds_are_those_of_an_agent_that_reasons(name, suite):
    """Every rule that a demonstration leaves is the true one in turn."""
    condition, played, bounds = CONDITIONS[name], [], []
    kinds, oracle = suite.test_rules or rules.KINDS, oracle_bound.OracleBound(suite)
    for scenario in scenarios(suite, fields.SPLIT_TEST, 1)[::2]:
        weights = dict.fromkeys(kinds, 1)
        weight = oracle_bound.posterior(scenario.task, [scenario.demo_seed], weights)
        left = [
            _ideal(condition, rule, scenario, kinds, oracle)
            for rule in np.argwhere(weight > 0)
        ]
        success, bound = np.mean(left, axis=0)
        # An agent that chooses its trials for the retrial does no worse.
        assert bound <= oracle_bound_of(condition, scenario, oracle) + 1e-9
        played.append(success)
        bounds.append(bound)
    assert np.mean(played) == pytest.approx(np.mean(bounds))


def test_open_targets_are_those_of_the_rules_that_a_demonstration_leaves():
    numbers = []
    for scenario in SCENARIOS:
        task, kind = scenario.task, scenario.task.goal.kind
        shown = task.object_set.scene(scenario.demo_seed)
        scene = task.object_set.scene(scenario.scene_seed)
        acted = shown.referent(task.rule, kind)
        left = [
            Rule(k, i)
            for k in rules.KINDS
            for i in range(task.object_set.present)
            if shown.referent(Rule(k, i), kind) == acted
        ]
        numbers.append(len({scene.referent(rule, kind) for rule in left}))
        named = task, scenario.demo_seed, scenario.scene_seed
        assert BOUND.open_targets(*named) == numbers[-1]
        assert BOUND.conflict(*named) == (numbers[-1] > 1)
    assert {2, 3, 4} <= set(numbers) <= set(range(1, 6))


def test_published_rollouts_have_the_open_targets_of_their_scenes(tmp_path):
    root = pathlib.Path(__file__).parents[4]
    archive = root / "docs/results/episodes/tabletop_hard.tar.xz"
    shutil.unpack_archive(archive, tmp_path)
    run = played_run.read(str(tmp_path / "tabletop_hard" / "seed0"))
    suite = dataclasses.replace(SUITE, test_tasks=run.protocol["tasks"], seed=0)
    planned = scenarios(suite, fields.SPLIT_TEST, run.protocol["scenes_per_task"])
    scenario_of = {(s.task.task_id, s.index): s for s in planned}
    bound = oracle_bound.OracleBound(suite)
    for row in run.rows[::20]:
        scenario = scenario_of[row.key]
        assert row.scene_seed in (scenario.scene_seed, scenario.new_scene_seed)
        named = scenario.task, scenario.demo_seed, row.scene_seed
        assert row.open_targets == bound.open_targets(*named)


def test_ideal_agents_reach_the_bound_in_the_simulator():
    """The demonstration alone: the likeliest target is acted on by the expert."""
    won, bounds, chosen_right = [], [], []
    for scenario in SCENARIOS:
        task = scenario.task
        weight = oracle_bound.posterior(task, [scenario.demo_seed], ALL)
        scene = task.object_set.scene(scenario.scene_seed)
        chosen = int(
            oracle_bound.targets(weight, scene.picked[task.goal.kind]).argmax()
        )
        env = Manipulation(task.scene(scenario.scene_seed))
        timestep = env.reset()
        while not timestep.last():
            act = WORLD.entities.experts[task.family]
            timestep = env.step(act(env.world, chosen).action)
        won.append(timestep.reward > 0)
        chosen_right.append(chosen == task.scene(scenario.scene_seed).target)
        bounds.append(oracle_bound_of(CONDITIONS["mil"], scenario, BOUND))
    assert np.mean(won) <= np.mean(chosen_right)  # nothing else succeeds
    assert np.mean(won) >= np.mean(chosen_right) - SKILL_LOSS
    deviation = np.sqrt(0.25 / len(SCENARIOS))
    assert abs(np.mean(chosen_right) - np.mean(bounds)) < 2 * deviation


def test_bound_without_a_demonstration_grows_to_one():
    each = [BOUND.nth_trial(number, fields.SPLIT_TEST) for number in (1, 2, 5, 20)]
    assert each == sorted(each) and 0.08 < each[0] < 0.2 and each[-1] == 1


@pytest.mark.parametrize("damage", (0.0, np.nan))
def test_a_drawing_holds_all_objects_and_survives_damaged_states(damage):
    suite = dataclasses.replace(SUITE, size=7)
    layout = suite.layout
    task = next(t for t in suite.tasks("test") if t.object_set.present == 7)
    first = Manipulation(task.scene(0)).reset().observation[fields.STATE]
    drawn = layout.drawing.scene(first[None] + damage, layout)
    outermost = np.abs(layout.split(first)["objects"][:, 0]).max()
    assert outermost > 0.25
    assert drawn.width / 2 == pytest.approx(
        0.35 if np.isnan(damage) else outermost + 0.08
    )
