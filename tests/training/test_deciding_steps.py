"""The first steps of an episode, in which it decides what to act on."""

import dataclasses

import numpy as np
import pytest

import wtl
from tests import plain_module
from wtl.collection.worlds.plain.relabel import PlainRelabeller
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.reading.store import stack
from wtl.datasets.sampling.sampler import Sampler
from wtl.datasets.testing.fakes import fake_episode
from wtl.training.examples import ExampleSource
from wtl.training.policy_config import config_for

STEPS = 100


def _source(deciding, monkeypatch, window: int) -> ExampleSource:
    world = wtl.worlds.dm_env(
        "plain_point",
        lambda *_: plain_module.Point((1, 0), 0),
        plain_module.tasks,
        horizon=STEPS,
        deciding_steps=deciding,
    )
    monkeypatch.setattr("wtl.collection.worlds.registry.get", lambda name: world)
    # A policy that was trained otherwise is trained again.
    chosen = {} if deciding is None else {"deciding_steps": deciding}
    assert world.encoder(1).training_options == chosen
    config = config_for("mil", TaskDistribution(domain="plain_point"))
    spec = dataclasses.replace(world.episodes, action_low=(), action_high=())
    given = {"transitions": STEPS, "instruction": "", "family": "left"}
    demos = stack([fake_episode(i, spec, **given) for i in range(4)])
    sampler = Sampler(demos, PlainRelabeller(demos, config.layout))
    return ExampleSource(demos, demos, None, sampler, config, window)


@pytest.mark.parametrize(("deciding", "share"), ((None, 0.1), (10, 0.66)))
def test_steps_that_decide_are_imitated_more_often(deciding, share, monkeypatch):
    source = _source(deciding, monkeypatch, window=40)
    times = source.draw(np.random.default_rng(0), 200).times
    assert np.mean(times < 10) == pytest.approx(share, abs=0.02)
    assert times.max() == STEPS - 1


def test_later_steps_are_imitated_in_windows_of_one(monkeypatch):
    source = _source(10, monkeypatch, window=1)
    times = source.draw(np.random.default_rng(0), 400).times
    assert np.mean(times < 10) == pytest.approx(0.1, abs=0.05)
