"""Scenarios of an evaluation, and oracle bounds against brute force."""

import dataclasses

import numpy as np
import pytest

from wtl.collection.worlds.entities import oracle_bound
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.tabletop import families
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.evaluation.scenario import oracle_bound_of, scenarios
from wtl.policies.methods import CONDITIONS, METHODS, rounds

SUITE = TaskDistribution(val_tasks=50, train_tasks=0)
SCENARIOS = scenarios(SUITE, "val", 4)
BOUND = oracle_bound.OracleBound(SUITE)
PRIOR = oracle_bound.Prior.of(SUITE, "val")


def test_scenarios_are_a_pure_function_and_their_scenes_differ():
    assert scenarios(SUITE, "val", 4) == SCENARIOS
    assert len(SCENARIOS) == 200
    for scenario in SCENARIOS:
        seeds = {scenario.demo_seed, scenario.scene_seed, scenario.new_scene_seed}
        assert len(seeds) == 3


def test_conditions_use_methods_and_come_after_their_trials():
    for condition in CONDITIONS.values():
        assert condition.method in METHODS
        # One policy that may be given trials has none here; rules use trials without
        # giving them to the policy.
        if condition.name != "wtl_0_trials" and "after failure" not in condition.choice:
            given = METHODS[condition.method].config.trials
            assert bool(condition.trials) == given
        assert set(condition.trials) <= CONDITIONS.keys()
    before = set()
    for together in rounds(list(CONDITIONS.values())):
        assert all(set(condition.trials) <= before for condition in together)
        before |= {condition.name for condition in together}
    assert before == CONDITIONS.keys()


def test_records_explain_every_condition_and_name_what_there_is():
    for method in METHODS.values():
        assert method.label and method.description.endswith(".")
        assert set(method.compared_with) <= CONDITIONS.keys()
        assert {method.trial_source, method.retrial_source} <= {"", *METHODS}
        for condition in method.conditions:
            assert condition.label and condition.description.endswith(".")
            assert condition.method == method.name


def test_one_of_two_readings_is_true():
    conflicts = 0
    for scenario in SCENARIOS:
        read = oracle_bound.readings(
            scenario.task, scenario.demo_seed, scenario.scene_seed
        )
        scene_config = scenario.task.scene(scenario.scene_seed)
        assert read.true == scene_config.target
        wanted = getattr(read, scenario.task.rule.kind.value)
        assert wanted == read.true
        conflicts += read.conflict
    # Three places at random: another object is in its place two times out of three.
    assert 0.55 < conflicts / len(SCENARIOS) < 0.78


def _best(hypotheses, size):
    """Success of the best single guess under uniform hypotheses."""
    return max(np.mean([h == g for h in hypotheses]) for g in range(size))


def test_bound_without_information_is_of_a_button_and_an_object_in_each_trial():
    buttons = [("press", target) for target in range(3)]
    objects = [
        (name, target)
        for name in families.FAMILIES
        if name != "press"
        for target in range(3)
    ]
    for trials in (1, 2, 3, 4, 10, 12, 13):
        tried = buttons[:trials] + objects[:trials]
        wins = [task in tried for task in buttons + objects]
        assert oracle_bound.nth_trial(PRIOR, trials) == pytest.approx(np.mean(wins))


def test_ceiling_of_a_hidden_demonstration():
    for true in range(3):
        read = oracle_bound.Readings(identity=0, position=1, true=true)
        left = [t for t in range(3) if t != 0]
        expected = 1.0 if true == 0 else _best([t == left[0] for t in left], 2)
        assert oracle_bound.trial_of_demo_only(read, PRIOR) == pytest.approx(expected)


def test_ceilings_are_ordered_by_information():
    def mean(name):
        return np.mean([oracle_bound_of(CONDITIONS[name], p, BOUND) for p in SCENARIOS])

    assert mean("oracle_task") == mean("wtl") == 1.0
    assert mean("wtl") > mean("wtl_new_scene") > mean("mil")
    assert mean("wtl") > mean("demo_hidden_at_retrial") > mean("mil")
    assert mean("mil") > mean("trial_only") > mean("bc")
    # Prior .6 for identity, and a third of the scenes do not tell them apart.
    assert mean("mil") == pytest.approx(0.6 + 0.4 / 3, abs=0.06)


def test_ceilings_of_who_is_told_less():
    def mean(name, **changes):
        config = dataclasses.replace(METHODS[CONDITIONS[name].method].config, **changes)
        return np.mean(
            [oracle_bound_of(CONDITIONS[name], p, BOUND, config) for p in SCENARIOS]
        )

    assert mean("wtl", trial_actions=False) == 1.0
    for changes in (
        {"trial_success": "hidden"},
        {"trial_success": "shuffled"},
        {"trials_from": "another_task"},
        {"trials_from": "demo"},
    ):
        assert mean("wtl", **changes) == mean("mil")
    assert mean("wtl_0_trials") == mean("mil") < mean("wtl_own_trial") == 1.0


def test_several_demonstrations_settle_what_they_do_not_agree_on():
    """By enumeration: which rules pick the target of every demonstration?"""
    settled = 0
    for first, second in zip(SCENARIOS[::2], SCENARIOS[1::2], strict=True):
        task, seeds = first.task, (first.demo_seed, second.demo_seed)
        possible = [
            Rule(kind, index)
            for kind in (RuleKind.IDENTITY, RuleKind.POSITION)
            for index in range(3)
            if all(
                task.scene(seed, Rule(kind, index)) == task.scene(seed)
                for seed in seeds
            )
        ]
        assert task.rule in possible
        assert oracle_bound.settled(task, seeds) == (len(possible) == 1)
        assert not oracle_bound.settled(task, seeds[:1])
        condition = CONDITIONS["mil"]
        alone = oracle_bound_of(condition, first, BOUND, demo_seeds=seeds[:1])
        both = oracle_bound_of(condition, first, BOUND, demo_seeds=seeds)
        assert both == (1.0 if len(possible) == 1 else alone)
        settled += len(possible) == 1
    assert 0.5 < settled / (len(SCENARIOS) / 2) < 0.8


def test_conditions_of_earlier_runs_are_those_played_by_default():
    names = {
        condition.name for condition in CONDITIONS.values() if not condition.in_default
    }
    later = {"wtl_4_trials", "wtl_5_trials", "wtl_0_trials", "wtl_own_trial"}
    later |= {"mil_new_scene", "mil_human_new_scene"}
    later |= {f"trial_only_{count}_trials" for count in range(2, 10)}
    # A run without videos of humans has policies that could be shown them.
    gap = {condition.name for condition in CONDITIONS.values() if condition.shown_human}
    assert names == later | gap
    assert CONDITIONS["wtl_5_trials"].trials[-1] == "wtl_4_trials"
    assert len(CONDITIONS["wtl_5_trials"].trials) == 5


def test_the_tenth_trial_without_a_demonstration_comes_after_a_blind_one_and_its_own():
    condition = CONDITIONS["trial_only_9_trials"]
    assert condition.trials[:3] == ("bc", "trial_only", "trial_only_2_trials")
    assert len(condition.trials) == 9
    for scenario in SCENARIOS[:4]:
        assert oracle_bound_of(condition, scenario, BOUND) == pytest.approx(13 / 15)
