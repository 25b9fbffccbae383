"""Ablated parts of a context are withheld, in training and once saved."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import object_set, observation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.policies import export, imitation
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import loss as losses
from wtl.policies.heads import mean, mixture_density
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

SIZE = 3
BATCH = 4
LAYOUT = observation.Layout(SIZE)
CONFIG = dataclasses.replace(
    config_for("wtl", TaskDistribution()),
    hidden=(16, 16),
    embedding=8,
    context_frames=5,
)


def _states() -> np.ndarray:
    states = []
    for i in range(BATCH):
        task = Task(object_set.draw(f"train-{i}", SIZE, 0), "grasp", 0.8, "train")
        env = tabletop_environment.Manipulation(SceneConfig(task, i, 0))
        states.append(env.reset().observation["state"])
    return np.stack(states)


def _context(demos=1, trials=1, seed=0) -> contexts.Context:
    rng = np.random.default_rng(seed)
    states = _states()

    def shown(count):
        frames = np.repeat(states[:, None, None], count, axis=1)
        frames = np.repeat(frames, CONFIG.context_frames, axis=2)
        frames = frames + 0.01 * rng.standard_normal(frames.shape)
        return contexts.ContextEpisodes(
            tf.constant(frames, tf.float32),
            tf.constant(rng.uniform(-1, 1, (*frames.shape[:3], 5)), tf.float32),
            tf.ones((BATCH, count)),
            tf.ones((BATCH, count)),
        )

    nothing = tf.zeros(BATCH, tf.int32)
    return contexts.Context(
        demos=shown(demos),
        trials=shown(trials),
        privileged=contexts.Privileged(nothing, nothing, tf.zeros(BATCH)),
        state=tf.constant(states),
        gumbel=tf.zeros((BATCH, 2 * SIZE)),
    )


def _network(**changes):
    tf.keras.utils.set_random_seed(0)
    network = METHODS["wtl"].kind.network(dataclasses.replace(CONFIG, **changes))
    losses.loss(network, _example(_context()), tf.constant(-2.0))
    return network


def _example(context, trial_acted=0):
    demos, trials = context.demos.mask.shape[1], context.trials.mask.shape[1]
    return imitation.Example(
        context=context,
        demo_acted=tf.zeros((BATCH, demos), tf.int32),
        trial_acted=tf.fill((BATCH, trials), trial_acted),
        target=tf.constant([0, 1, 2, 0]),
        state=tf.constant(np.repeat(_states()[:, None], 3, axis=1)),
        action=0.3 * tf.ones((BATCH, 3, 5)),
    )


def _other_success(context):
    trials = context.trials
    return context._replace(trials=trials._replace(success=-trials.success))


def _other_actions(context):
    trials = context.trials
    return context._replace(trials=trials._replace(action=-trials.action))


def _other_trials(context):
    return context._replace(trials=_context(seed=1).trials)


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"trial_success": "hidden"}, _other_success),
        ({"trial_actions": False}, _other_actions),
        ({"trials_from": "demo"}, _other_trials),
    ],
)
def test_withheld_parts_do_not_matter(changes, other):
    context = _context()

    def seen(policy, context):
        state = policy.encode_context(context)
        return np.concatenate([state["embedding"], state["target"]], axis=1)

    kind = METHODS["wtl"].kind
    whole = kind.policy(_network())
    assert not np.allclose(seen(whole, context), seen(whole, other(context)))
    without = kind.policy(_network(**changes))
    np.testing.assert_array_equal(seen(without, context), seen(without, other(context)))


@pytest.mark.parametrize(("encoder", "chooses"), (("entities", True), ("flat", False)))
def test_noise_on_choices_moves_policies_that_choose_a_target(encoder, chooses):
    policy = METHODS["wtl"].kind.policy(_network(encoder=encoder))
    context = _context()
    other = 1e3 * tf.one_hot([[0, 1, 2, 1]], context.gumbel.shape[1])[0]
    first, second = (
        policy.encode_context(context._replace(gumbel=gumbel))["target"]
        for gumbel in (context.gumbel, other)
    )
    assert np.allclose(first, second) != chooses


@pytest.mark.slow
def test_a_saved_policy_carries_what_was_withheld(tmp_path):
    changes = {"trial_success": "hidden", "trial_actions": False, "trials_from": "demo"}
    policy = METHODS["wtl"].kind.policy(_network(**changes))
    export.save(policy, tmp_path / "saved_model")
    saved = export.load(tmp_path / "saved_model", LAYOUT.state_size)
    config = export.as_saved(config_for("wtl", TaskDistribution()), saved)
    assert dataclasses.asdict(config).items() >= changes.items()
    assert not config.trials_tell


def test_a_demonstration_as_the_trial_is_learnt_as_a_demonstration():
    network = _network(trials_from="demo")
    context = _context(demos=2, trials=1)
    first = losses.loss(network, _example(context, trial_acted=0), -2.0)
    second = losses.loss(network, _example(context, trial_acted=4), -2.0)
    assert float(first.total) == float(second.total)


def test_without_commitment_all_likely_targets_are_pursued():
    network = _network(selects_target=False)
    policy = METHODS["wtl"].kind.policy(network)
    context = _context()
    weights = policy.encode_context(context)["target"].numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert (weights.max(axis=1) < 0.999).all()
    # There is nothing to sample.
    noise = np.random.default_rng(0).gumbel(size=context.gumbel.shape)
    again = policy.encode_context(context._replace(gumbel=noise.astype(np.float32)))
    np.testing.assert_array_equal(again["target"], weights)
    # The choice is learnt from the actions too, which no teacher's target allows.
    for selects_target, learns in ((False, True), (True, False)):
        network = _network(selects_target=selects_target)
        head = network._target.trainable_variables
        with tf.GradientTape() as tape:
            loss = losses.loss(network, _example(context), -2.0).imitation
        gradients = tape.gradient(loss, head)
        assert any(g is not None for g in gradients) == learns


def test_a_mean_is_fitted_by_squared_error():
    rng = np.random.default_rng(0)
    head = mean.Mean(5)
    prediction = head(tf.constant(rng.standard_normal((7, 8)), tf.float32))
    chosen = mixture_density.in_turn(prediction, tf.zeros(7)).numpy()
    floor = -2.0
    action = rng.uniform(-1, 1, (7, 5)).astype(np.float32)
    worse = mixture_density.negative_log_likelihood(prediction, action, floor)
    best = mixture_density.negative_log_likelihood(prediction, chosen, floor)
    squared = ((action - chosen) ** 2).sum(axis=1) / (2 * np.exp(2 * floor))
    np.testing.assert_allclose(worse - best, squared, rtol=1e-3)


def test_noise_is_on_places_alone_and_the_same_each_time():
    config = dataclasses.replace(CONFIG, state_noise=0.005)
    states = tf.constant(np.repeat(_states(), 200, axis=0))
    noise = (contexts.with_noise(states, config) - states).numpy()
    np.testing.assert_array_equal(contexts.with_noise(states, config) - states, noise)
    rows = LAYOUT.split(noise)
    where = observation.slices(observation.OBJECT)
    places = rows["objects"][..., where["position"]]
    assert 0.0045 < places.std() < 0.0055
    assert abs(places.mean()) < 0.0005
    assert not rows["objects"][..., where["rgb"]].any()
    assert not rows["gripper"].any()
    assert not rows["fixtures"][..., -1].any()  # the time
    np.testing.assert_array_equal(contexts.with_noise(states, CONFIG), states)
    other = contexts.with_noise(states + 1e-4, config) - states
    assert np.abs(other - noise).max() > 0.005


def test_a_policy_under_noise_acts_otherwise():
    clean, noisy = _network(), _network(state_noise=0.01)
    context = _context()
    assert not np.allclose(clean.encode(context)[0], noisy.encode(context)[0])
    state, embedding = tf.constant(_states()), clean.encode(context).embedding
    target = tf.one_hot([0, 0, 0, 0], 2 * SIZE)
    first, second = (
        n.head.predict(n.act(state, embedding, target))[1] for n in (clean, noisy)
    )
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    "wrong", [{"trials_from": "x"}, {"trial_success": "x"}, {"head": "x"}]
)
def test_unknown_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="may be"):
        dataclasses.replace(CONFIG, **wrong)
