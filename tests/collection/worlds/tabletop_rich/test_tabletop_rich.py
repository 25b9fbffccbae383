"""Requirements on the rich tabletop: rules, ways, clutter, readings, bounds."""

import collections
import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from demonstrating import demonstrate, request

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.tabletop_hard import oracle_bound
from wtl.collection.worlds.tabletop_rich import rules
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import stack
from wtl.evaluation.scenario import oracle_bound_of, scenarios
from wtl.policies import features
from wtl.policies.encoders.episode import EpisodeCode
from wtl.policies.heads.evidence import DEMO, TRIAL, Evidence
from wtl.policies.heads.posterior import PosteriorHead
from wtl.policies.methods import CONDITIONS

WORLD = registry.get("tabletop_rich")
SUITE = TaskDistribution(
    domain="tabletop_rich", size=5, train_tasks=0, test_tasks=40, clutter=4, seed=5
)
LAYOUT = SUITE.layout
BOUND = oracle_bound.OracleBound(SUITE)
SCENARIOS = scenarios(SUITE, fields.SPLIT_TEST, 1)
WEIGHTS = SUITE.weights_of_kinds(fields.SPLIT_TEST)
SKILL_LOSS = 0.06


def _scene(scenario, seed):
    return scenario.task.object_set.scene(seed)


@pytest.mark.parametrize("kind", (0, 1))
def test_new_rules_pick_what_their_names_say(kind):
    for scenario in SCENARIOS[:8]:
        scene = _scene(scenario, scenario.scene_seed)
        there = range(scene.present)
        size = (scene.object_sizes, scene.button_sizes)[kind]
        at = (scene.object_poses, scene.button_positions)[kind]
        for index in there:
            largest = sorted(there, key=lambda i: -size[i])[index]
            assert scene.referent(Rule(RuleKind.SIZE, index), kind) == largest
            for rule, axis in ((RuleKind.RIGHT, 0), (RuleKind.BEHIND, 1)):
                order = sorted(there, key=lambda i: at[i, axis])
                after = order[(order.index(index) + 1) % len(order)]
                assert scene.referent(Rule(rule, index), kind) == after


def test_sizes_and_the_order_of_bands_differ_between_scenes_of_a_task():
    task, sizes, order = SCENARIOS[0].task, [], []
    for seed in range(12):
        scene = task.object_set.scene(seed)
        dressed = scene.dressed(task.object_set)
        found = [np.mean(prop.half_sizes[:2]) for prop in dressed.props]
        np.testing.assert_allclose(found, scene.object_sizes)
        there = np.sort(scene.object_sizes[: scene.present])
        assert np.diff(there).min() > 0.001
        sizes.append(found[0])
        order.append(scene.goal < scene.blue)
        assert [(p.rgb, p.is_box) for p in dressed.props] == [
            (p.rgb, p.is_box) for p in task.object_set.props
        ]
    assert np.ptp(sizes) > 0.005 and 0 < sum(order) < 12


def test_rules_say_the_way_where_there_are_several():
    said = collections.defaultdict(set)
    for task in SUITE.tasks("test"):
        assert Rule.parse(str(task.rule)) == task.rule
        said[task.family].add(task.rule.way)
        if task.rule.way == "blue":
            assert "blue band" in task.instruction
    assert said["press"] == said["push"] == said["stack"] == {""}
    assert said["grasp"] | said["slide"] == set(rules.WAY_RULES[1:])


def test_clutter_is_in_scenes_but_no_entity():
    without = dataclasses.replace(SUITE, clutter=0)
    numbers = set()
    for scenario, bare in zip(SCENARIOS, scenarios(without, "test", 1), strict=True):
        scene, empty = (_scene(s, s.scene_seed) for s in (scenario, bare))
        np.testing.assert_array_equal(scene.object_poses, empty.object_poses)
        shown = scene.clutter[scene.clutter[:, 1] > -1]
        assert (empty.clutter[:, 1] < -1).all()
        for at in shown:
            lanes = np.append(scene.object_poses[: scene.present, 0], scene.anchor[0])
            assert np.abs(lanes - at[0]).min() > 0.08
        numbers.add(len(shown))
    assert 4 in numbers and max(numbers) == 4
    env = WORLD.make_env(SCENARIOS[0].task, SCENARIOS[0].scene_seed)
    assert env.reset().observation[fields.STATE].shape == (LAYOUT.state_size,)
    name = env.world.model.body("clutter_0").id
    np.testing.assert_allclose(
        env.world.data.xpos[name, :2], env.world.scene.clutter[0]
    )


@pytest.mark.parametrize(
    "setting, said",
    (
        ({"domain": "tabletop_hard", "clutter": 1}, "clutter is 1.*places for 0"),
        ({"clutter": 5}, "clutter is 5.*places for 4"),
        ({"rule_weights": (1, 2)}, "rule_weights is .1, 2.*identity, position"),
        ({"rule_weights": (0,) * 4 + (1, 1) + (0,) * 3}, "rule_weights.*needs one of"),
        ({"domain": "tabletop", "rule_weights": (1,)}, "rule_weights.*: none"),
        (
            {"rule_weights": (1,) * 8 + (0,), "test_rules": ("behind",)},
            "rule_weights leaves no kind of suite.test_rules",
        ),
    ),
)
def test_settings_that_do_not_fit_are_refused(setting, said):
    with pytest.raises(UserError, match=said):
        TaskDistribution(**{"domain": "tabletop_rich"} | setting)


def test_weights_say_how_often_there_are_rules_of_each_kind():
    suite = dataclasses.replace(
        SUITE, rule_weights=(4, 2, 1, 1, 0, 0, 0, 0, 0), test_tasks=80
    )
    kinds = collections.Counter(task.rule.kind for task in suite.tasks("test"))
    assert kinds == {"identity": 40, "position": 20, "front": 10, "anchor": 10}
    scenario = scenarios(suite, "test", 1)[0]
    weight = oracle_bound.posterior(
        scenario.task, [scenario.demo_seed], suite.weights_of_kinds("test")
    )
    np.testing.assert_allclose(weight.sum((1, 2))[:4], np.array([4, 2, 1, 1]) / 8)


@pytest.fixture(scope="module")
def first_states():
    """First states of the scene, of the demonstration and of the new scene."""

    def state(scenario, seed):
        return WORLD.make_env(scenario.task, seed).reset().observation[fields.STATE]

    return [
        np.stack([state(s, getattr(s, name)) for s in SCENARIOS])
        for name in ("scene_seed", "demo_seed", "new_scene_seed")
    ]


def _slots(scenario, seed):
    """[W n] slot of each target of the kind of a scenario."""
    scene, task = _scene(scenario, seed), scenario.task
    return np.array([task.slot_of(scene, t) for t in range(LAYOUT.targets)])


def _evidence(role, state, slot, success):
    return Evidence(
        role,
        tf.constant(state)[:, None],
        EpisodeCode(None, logits=100 * tf.one_hot(slot, LAYOUT.entities)[:, None]),
        tf.constant(success, tf.float32)[:, None],
        tf.ones((len(slot), 1)),
    )


def test_the_head_computes_the_posterior_of_an_ideal_agent(first_states):
    """Given the demonstration, then also a trial of any target with its success."""
    here, shown, there = first_states
    head = PosteriorHead(LAYOUT)
    head.build(None)
    kind, _ = head.get_weights()
    head.set_weights([kind, np.full(2, -9.0)])  # never wrong
    acted, tried, won = [], [], []
    for number, scenario in enumerate(SCENARIOS):
        task, demo, seed = scenario.task, scenario.demo_seed, scenario.scene_seed
        acted.append(_slots(scenario, demo)[task.scene(demo).target])
        chosen = task.targets[number % len(task.targets)]
        tried.append(_slots(scenario, seed)[chosen])
        won.append(task.scene(seed).target == chosen)
    demo = _evidence(DEMO, shown, acted, np.ones(len(acted)))
    trial = _evidence(TRIAL, here, tried, np.where(won, 1, -1))
    for given in ((), (trial,)):
        found = np.exp(head(tf.constant(there), [demo, *given]).numpy())
        for row, scenario in enumerate(SCENARIOS):
            task, goal = scenario.task, scenario.task.goal
            weight = oracle_bound.posterior(task, [scenario.demo_seed], WEIGHTS)
            if given:
                picked = _scene(scenario, scenario.scene_seed).readings(goal)
                target = task.target_at(scenario.scene_seed, tried[row])
                weight = oracle_bound.given_trial(weight, picked, target, won[row])
            new = _scene(scenario, scenario.new_scene_seed).readings(goal)
            expected = oracle_bound.targets(weight, new)
            order = _slots(scenario, scenario.new_scene_seed)[: len(expected)]
            np.testing.assert_allclose(found[row][order], expected, atol=0.02)


def test_demonstrations_show_target_and_way_and_readings_agree_with_them():
    suite = dataclasses.replace(
        SUITE, train_tasks=3, families=("press", "grasp", "slide"), scenes_per_task=2
    )
    scenes = [s for t in suite.tasks("train") for s in suite.demonstration_scenes(t)]
    demos = stack([demonstrate(request(s, str(i))) for i, s in enumerate(scenes)])
    assert demos[fields.SUCCESS].mean() > 0.9
    acted = LAYOUT.acted_slots(demos.state)
    np.testing.assert_array_equal(acted, demos[fields.HIDDEN_TARGET])
    ways = acted % LAYOUT.targets // LAYOUT.size
    assert set(ways[demos[fields.FAMILY] == "press"]) == {rules.NO_WAY}
    assert set(ways[demos[fields.FAMILY] == "slide"]) == {rules.FIRST, rules.SECOND}
    relabeller, rng = WORLD.relabel(demos, LAYOUT), np.random.default_rng(0)
    index, rows, drawn = relabeller.index, np.arange(len(demos)), set()
    for _ in range(10):
        elsewhere = 1 - index.scene
        reading = relabeller.draw_reading(rng, index.task, elsewhere, rows)
        shown = relabeller.goal(index.task, index.scene, rows, reading)
        np.testing.assert_array_equal(shown, index.goal)
        goal = relabeller.goal(index.task, elsewhere, rows, reading)
        assert (index.demonstration(index.task, elsewhere, goal) >= 0).all()
        drawn |= set(reading // (len(rules.WAY_RULES) * LAYOUT.size))
    assert drawn == set(range(len(rules.KINDS)))


@pytest.mark.parametrize("name", ("wtl_2_trials", "wtl_new_scene"))
def test_bounds_are_those_of_an_agent_that_reasons(name):
    """Every rule that a demonstration leaves is the true one in turn."""
    condition = CONDITIONS[name]
    for scenario in SCENARIOS[1::8]:
        goal = scenario.task.goal
        shown, trial, last = (
            _scene(scenario, seed).readings(goal)
            for seed in (
                scenario.demo_seed,
                scenario.scene_seed,
                scenario.seed(condition),
            )
        )
        slots = _slots(scenario, scenario.scene_seed)
        prior = oracle_bound.posterior(scenario.task, [scenario.demo_seed], WEIGHTS)
        success, bounds = [], []
        for rule in map(tuple, np.argwhere(prior > 0)):
            assert shown[rule] == scenario.task.scene(scenario.demo_seed).target
            weight, made = prior, []
            for _ in condition.trials:
                tried = oracle_bound.targets(weight, trial).argmax()
                won = trial[rule] == tried
                weight = weight * ((trial == tried) == won)
                made.append((slots[tried], bool(won)))
            chosen = oracle_bound.targets(weight, last).argmax()
            success.append(last[rule] == chosen)
            bounds.append(oracle_bound_of(condition, scenario, BOUND, tried=made))
        assert np.mean(success) == pytest.approx(np.mean(bounds))


def _play(scene_config):
    env = WORLD.open(scene_config)
    timestep = env.reset()
    act = WORLD.entities.experts[scene_config.task.family]
    while not timestep.last():
        timestep = env.step(act(env.world, scene_config.target).action)
    # What success is of is the task's own target.
    own = scene_config.task.scene(scene_config.scene_seed).target
    return env.achieved(own)


def test_ideal_agents_reach_the_bound_in_the_simulator():
    """The demonstration alone, and after a trial; the experts act on what is chosen."""
    won = collections.defaultdict(list)
    for scenario in SCENARIOS[:20]:
        task, seed = scenario.task, scenario.scene_seed
        weight = oracle_bound.posterior(task, [scenario.demo_seed], WEIGHTS)
        picked = _scene(scenario, seed).readings(task.goal)
        own = task.scene(seed).target
        chosen = int(oracle_bound.targets(weight, picked).argmax())
        success = _play(task.scene_of(seed, chosen))
        won["mil"].append((success, chosen == own))
        if chosen != own:
            weight = oracle_bound.given_trial(weight, picked, chosen, success)
            chosen = int(oracle_bound.targets(weight, picked).argmax())
            success = _play(task.scene_of(seed, chosen))
        won["wtl"].append((success, chosen == own))
    for name, each in won.items():
        played, right = np.mean(each, axis=0)
        assert right - SKILL_LOSS <= played <= right  # nothing else succeeds
        bound = [oracle_bound_of(CONDITIONS[name], s, BOUND) for s in SCENARIOS[:20]]
        assert abs(right - np.mean(bound)) < 2 * np.sqrt(0.25 / 20)


def test_bound_without_a_demonstration_grows_to_one():
    each = [BOUND.nth_trial(number, fields.SPLIT_TEST) for number in (1, 2, 5, 40)]
    assert each == sorted(each) and 0.08 < each[0] < 0.2 and each[-1] == 1


def test_networks_are_given_the_ways_that_rules_pick(first_states):
    rows = features.split(tf.constant(first_states[0]), LAYOUT)
    found = LAYOUT.features.ways(rows).numpy()
    for scenario, each in zip(SCENARIOS, found, strict=True):
        scene = _scene(scenario, scenario.scene_seed)
        nearer = "green" if scene.goal < scene.blue else "blue"
        ways = dict(zip(rules.WAY_RULES, each.argmax(axis=-1), strict=True))
        assert ways[""] == rules.NO_WAY and ways["near"] == ways[nearer] == rules.FIRST
        assert sorted(ways.values()) == [0, 1, 1, 2, 2]
