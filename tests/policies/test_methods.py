"""Every trained method: builds, saves, reloads, masks, treats entities alike."""

import dataclasses
import importlib.metadata
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import time_step as ts

from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import object_set, observation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.policies import export, imitation, methods
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import loss as losses
from wtl.policies.heads import mixture_density
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

SIZE = 3
LAYOUT = observation.Layout(SIZE)
TRAINED = [name for name, method in METHODS.items() if method.is_trained]
# One method for each structure of networks; others differ in what they are given.
_NETWORKS = (
    *("wtl", "mil_human", "tecnet_flat", "maml", "daml"),
    *("retrieve_and_play", "oracle_task"),
)
# Those whose export is tested quickly; the slow tests have all.
_SAVED = ("wtl", "maml", "retrieve_and_play")
_CONFIG = dict(hidden=(32, 32), context_frames=6)


def _states(count: int) -> np.ndarray:
    """First states of real scenes, so that attributes are as in the world."""
    states = []
    for i in range(count):
        task = Task(object_set.draw(f"train-{i}", SIZE, 0), "grasp", 0.8, "train")
        env = tabletop_environment.Manipulation(SceneConfig(task, i, 0))
        states.append(env.reset().observation["state"])
    return np.stack(states)


def _context(config, batch=4, demos=1, trials=1, seed=0) -> contexts.Context:
    rng = np.random.default_rng(seed)
    states = _states(batch)

    def shown(count):
        frames = np.repeat(states[:, None, None], count, axis=1)
        frames = np.repeat(frames, config.context_frames, axis=2)
        frames = frames + 0.01 * rng.standard_normal(frames.shape)
        return contexts.ContextEpisodes(
            tf.constant(frames, tf.float32),
            tf.constant(rng.uniform(-1, 1, (*frames.shape[:3], 5)), tf.float32),
            tf.constant(rng.choice((-1.0, 1.0), (batch, count)), tf.float32),
            tf.ones((batch, count)),
        )

    return contexts.Context(
        demos=shown(demos),
        trials=shown(trials),
        privileged=contexts.Privileged(
            tf.constant(rng.integers(2 * SIZE, size=batch), tf.int32),
            tf.constant(rng.integers(5, size=batch), tf.int32),
            tf.constant(rng.uniform(0.04, 0.8, batch), tf.float32),
        ),
        state=tf.constant(states),
        gumbel=tf.zeros((batch, config.choices)),
    )


def _policy(method: str, seed: int = 0) -> tf_policy.TFPolicy:
    tf.keras.utils.set_random_seed(seed)
    config = config_for(method, TaskDistribution())
    sizes = {name: size for name, size in _CONFIG.items() if hasattr(config, name)}
    config = dataclasses.replace(config, **sizes)
    kind = METHODS[method].kind
    policy = kind.policy(kind.network(config))
    state = policy.encode_context(_context(config))
    policy.action(_time_step(_states(4)), state)
    return policy


def _network(method: str):
    return _policy(method).network


def _time_step(states):
    return ts.restart({"state": tf.constant(states)}, len(states))


@pytest.mark.parametrize("method", TRAINED)
def test_actions_are_within_bounds_and_state_stays(method):
    policy = _policy(method)
    state = policy.encode_context(_context(policy.network.config))
    step = policy.action(_time_step(_states(4)), state)
    assert step.action.shape == (4, 5)
    assert np.abs(step.action).max() <= 1
    assert step.state.keys() == state.keys()
    for name in state.keys() - {"age"}:  # a replay counts its steps
        np.testing.assert_array_equal(step.state[name], state[name])
    assert set(np.sum(state["target"], axis=1)) == {1.0}


@pytest.mark.parametrize("method", TRAINED)
def test_context_is_encoded_once_per_episode(method, monkeypatch):
    policy = _policy(method)
    network = policy.network
    calls = []
    encode = network.encode
    monkeypatch.setattr(network, "encode", lambda c: calls.append(1) or encode(c))
    state = policy.encode_context(_context(network.config))
    for _ in range(10):
        state = policy.action(_time_step(_states(4)), state).state
    assert len(calls) == 1


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=() if name in _SAVED else pytest.mark.slow)
        for name in TRAINED
    ],
)
def test_saved_policy_acts_the_same_without_our_code(method, tmp_path):
    policy = _policy(method)
    identifier = export.save(policy, tmp_path / "saved_model")
    loaded = export.load(tmp_path / "saved_model", LAYOUT.state_size)
    assert export.policy_id(loaded) == identifier
    context = _context(policy.network.config, batch=3, demos=2, trials=3)
    time_step = _time_step(_states(3))
    ours = policy.action(time_step, policy.encode_context(context)).action
    theirs = loaded.action(time_step, loaded.encode_context(context)).action
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_saved_policy_needs_only_tensorflow(tmp_path):
    export.save(_policy("mil"), tmp_path / "saved_model")
    script = f"""
        import sys
        import tensorflow as tf
        policy = tf.saved_model.load({str(tmp_path / "saved_model")!r})
        state = policy.get_initial_state(batch_size=2)
        assert not any(m.split(".")[0] in ("wtl", "policies") for m in sys.modules)
        print(sorted(state), policy.get_metadata()["policy_id"].numpy().decode())
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "embedding" in done.stdout


def test_policy_of_other_scenes_is_refused(tmp_path):
    export.save(_policy("bc"), tmp_path / "saved_model")
    with pytest.raises(export.PolicyMismatchError, match="suite.size"):
        export.load(tmp_path / "saved_model", LAYOUT.state_size + 1)
    with pytest.raises(export.PolicyNotFoundError, match="train it first"):
        export.load(tmp_path / "elsewhere", LAYOUT.state_size)


@pytest.mark.parametrize("method", ["mil", "wtl", "trial_only"])
def test_masked_episodes_change_nothing(method):
    network = _network(method)
    one = _context(network.config, demos=1, trials=1)

    def padded(shown):
        junk = tf.random.stateless_normal(shown.state.shape, (1, 2))
        return contexts.ContextEpisodes(
            tf.concat([shown.state, junk], axis=1),
            tf.concat([shown.action, shown.action], axis=1),
            tf.concat([shown.success, -shown.success], axis=1),
            tf.concat([shown.mask, 0 * shown.mask], axis=1),
        )

    two = one._replace(demos=padded(one.demos), trials=padded(one.trials))
    first, second = network.encode(one), network.encode(two)
    np.testing.assert_allclose(first.embedding, second.embedding, atol=1e-5)
    np.testing.assert_allclose(first.target_logits, second.target_logits, atol=1e-4)


def test_no_trials_at_all_is_accepted():
    network = _network("wtl")
    context = _context(network.config)
    none = context.trials._replace(mask=0 * context.trials.mask)
    logits = network.encode(context._replace(trials=none)).target_logits
    assert np.isfinite(logits).all()


def test_order_of_slots_does_not_matter():
    network = _network("wtl")
    context = _context(network.config)
    order = np.array([2, 0, 1])

    def shuffled(state):
        state = np.array(state)
        rows = LAYOUT.split(state)
        for name in ("objects", "buttons"):
            where = LAYOUT.rows[name][0]
            mixed = rows[name][..., order, :]
            state[..., where] = mixed.reshape(*state.shape[:-1], -1)
        return tf.constant(state)

    mixed = context._replace(
        demos=context.demos._replace(state=shuffled(context.demos.state)),
        trials=context.trials._replace(state=shuffled(context.trials.state)),
        state=shuffled(context.state),
    )
    before, after = network.encode(context), network.encode(mixed)
    both = np.concatenate([order, 3 + order])
    np.testing.assert_allclose(
        np.array(before.target_logits)[:, both], after.target_logits, atol=1e-4
    )
    np.testing.assert_allclose(before.embedding, after.embedding, atol=1e-4)


@pytest.mark.slow
def test_target_head_learns_to_follow_attributes():
    """The head can learn identity from colours: places are shuffled, colours not."""
    network = _network("mil")
    states = _states(32)
    shown = np.repeat(states[:, None, None], 6, axis=2)
    # In the scene at hand the same objects lie elsewhere.
    scene = states.copy()
    where = LAYOUT.rows["objects"][0]
    rows = LAYOUT.split(scene)["objects"].copy()
    rng = np.random.default_rng(0)
    for row in rows:
        row[:, 0] = rng.permutation(row[:, 0])
    scene[:, where] = rows.reshape(len(rows), -1)
    target = rng.integers(SIZE, size=32)
    # The demonstration moves the target.
    moving = shown.copy()
    for i, slot in enumerate(target):
        moved = LAYOUT.split(moving[i, 0])["objects"].copy()
        moved[:, slot, 2] += np.linspace(0, 0.1, 6)
        moving[i, 0][:, where] = moved.reshape(6, -1)
    context = _context(network.config, batch=32)
    context = context._replace(
        demos=context.demos._replace(state=tf.constant(moving)),
        state=tf.constant(scene),
    )
    optimizer = tf.keras.optimizers.legacy.Adam(3e-3)
    acted = tf.constant(target[:, None], tf.int32)
    for _ in range(150):
        with tf.GradientTape() as tape:
            encoding = network.encode(context)
            chosen = tf.nn.sparse_softmax_cross_entropy_with_logits(
                target, encoding.target_logits
            )
            seen = tf.nn.sparse_softmax_cross_entropy_with_logits(
                acted, encoding.demo_logits
            )
            total = tf.reduce_mean(chosen) + tf.reduce_mean(seen)
        gradients = tape.gradient(total, network.trainable_variables)
        pairs = zip(gradients, network.trainable_variables, strict=True)
        optimizer.apply_gradients((g, v) for g, v in pairs if g is not None)
    accuracy = np.mean(np.argmax(network.encode(context).target_logits, 1) == target)
    assert accuracy > 0.9


def test_mixture_density_is_that_of_scipy():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((5, 3))
    mean = rng.standard_normal((5, 3, 2))
    log_sigma = rng.uniform(0, 1, (5, 3, 2))
    action = rng.standard_normal((5, 2))
    floor = -3.0
    effective = np.exp(floor + np.log1p(np.exp(log_sigma - floor)))
    weight = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    density = scipy.stats.norm.pdf(action[:, None], mean, effective).prod(-1)
    expected = -np.log((weight * density).sum(1))
    prediction = tuple(tf.constant(x, tf.float32) for x in (logits, mean, log_sigma))
    nll = mixture_density.negative_log_likelihood(
        prediction, tf.constant(action, tf.float32), floor
    )
    np.testing.assert_allclose(nll, expected, rtol=1e-4)


def test_every_component_has_its_turn_as_often_as_it_weighs():
    weight = np.array([0.05, 0.6, 0.0, 0.35], np.float32)
    steps = np.arange(200, dtype=np.float32)
    logits = np.tile(np.log(weight + 1e-12), (len(steps), 1))
    mean = np.tile(np.arange(4, dtype=np.float32)[:, None], (len(steps), 1, 1))
    prediction = (tf.constant(logits), tf.constant(mean), tf.zeros_like(mean))
    chosen = mixture_density.in_turn(prediction, tf.constant(steps)).numpy()[:, 0]
    assert chosen[0] == weight.argmax()
    counts = np.bincount(chosen.astype(int), minlength=4)
    # Evenly: at no time is any far from its share.
    np.testing.assert_allclose(counts / len(steps), weight, atol=0.01)
    half = np.bincount(chosen[:40].astype(int), minlength=4)
    np.testing.assert_allclose(half / 40, weight, atol=0.05)
    again = mixture_density.in_turn(prediction, tf.constant(steps)).numpy()[:, 0]
    np.testing.assert_array_equal(again, chosen)


def test_actions_that_belong_together_are_of_one_component():
    """The likelihood of an episode sums over components, not over their sequences."""
    rng = np.random.default_rng(0)
    logits, mean = rng.normal(size=(2, 1, 3)), rng.normal(size=(2, 4, 3, 2))
    action = rng.normal(size=(2, 4, 2))
    each = scipy.stats.norm.logpdf(action[:, :, None], mean, 1.0).sum(axis=(1, 3))
    weights = scipy.special.log_softmax(logits[:, 0], axis=-1)
    expected = -scipy.special.logsumexp(weights + each, axis=-1) / 4
    found = mixture_density.negative_log_likelihood(
        tuple(
            tf.constant(value.reshape(8, *value.shape[2:]), tf.float32)
            for value in (logits.repeat(4, axis=1), mean, np.full(mean.shape, -40.0))
        ),
        tf.constant(action.reshape(8, 2), tf.float32),
        0.0,
        together=4,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
def test_loss_overfits_a_batch():
    network = _network("wtl")
    context = _context(network.config)
    rng = np.random.default_rng(0)
    states = np.repeat(_states(4)[:, None], 4, axis=1)
    example = imitation.Example(
        context=context,
        demo_acted=tf.constant([[0], [1], [2], [3]]),
        trial_acted=tf.constant([[0], [-1], [2], [3]]),
        target=tf.constant([0, 1, 2, 3]),
        state=tf.constant(states),
        action=tf.constant(rng.uniform(-1, 1, (4, 4, 5)), tf.float32),
    )
    optimizer = tf.keras.optimizers.legacy.Adam(3e-3)
    first = float(losses.loss(network, example, -2.0).total)
    for _ in range(60):
        with tf.GradientTape() as tape:
            total = losses.loss(network, example, -2.0).total
        gradients = tape.gradient(total, network.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, network.trainable_variables, strict=True)
        )
    assert float(total) < first - 1


def test_methods_of_installed_packages(monkeypatch):
    """One loads, one fails to import, one has a name that is taken."""
    record = dataclasses.replace(methods.METHODS["bc"], name="installed", conditions=())
    module = types.ModuleType("installed_methods")
    module.GOOD, module.TAKEN = record, methods.METHODS["bc"]
    module.TWICE = module.TWICE_AGAIN = dataclasses.replace(record, name="twice")
    monkeypatch.setitem(sys.modules, "installed_methods", module)
    for name in ("METHODS", "CONDITIONS", "UNAVAILABLE", "ORIGINS"):
        monkeypatch.setattr(methods, name, dict(getattr(methods, name)))
    points = [
        importlib.metadata.EntryPoint(name, value, methods.ENTRY_POINTS)
        for name, value in (
            ("installed", "installed_methods:GOOD"),
            ("taken", "installed_methods:TAKEN"),
            ("broken", "no_such_module:METHOD"),
            ("twice", "installed_methods:TWICE"),
            ("twice", "installed_methods:TWICE_AGAIN"),
        )
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    methods.register_installed()
    assert methods.METHODS["installed"] is record
    assert set(methods.UNAVAILABLE) == {"taken", "broken", "twice"}
    for place in ("installed_methods:TWICE", "installed_methods:TWICE_AGAIN"):
        assert place in methods.UNAVAILABLE["twice"]
    assert "no_such_module" in methods.UNAVAILABLE["broken"]
    assert "already" in methods.UNAVAILABLE["taken"]
