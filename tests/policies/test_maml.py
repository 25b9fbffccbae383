"""Adaptation by gradient: the meta-gradient, the inner step, the seam of its loss."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import object_set
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.policies import imitation
from wtl.policies.adapters import gradient
from wtl.policies.contextual import context as contexts
from wtl.policies.daml import config as daml_config
from wtl.policies.daml import network as daml_network
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.maml import loss, network
from wtl.training.policy_config import config_for

_SMALL = dict(hidden=(12,), components=2, bias_transformation=4)
_VARIANTS = {
    "entities": {},
    "flat": {"per_entity": False},
    "one head": {"two_heads": False},
    "no bias transformation": {"bias_transformation": 0},
    "two steps": {"inner_steps": 2},
    "temporal loss": {"method": "daml"},
    "linear loss": {"method": "daml_linear"},
    "chunks of two regressions": {"head": "two_step", "chunk": 2},
    "flow matching": {"head": "flow"},
}


def _config(method="maml", **changes):
    small = _SMALL | {"context_frames": 5, "alpha": 0.1} | changes
    return dataclasses.replace(config_for(method, TaskDistribution()), **small)


def _network(config) -> network.MamlNetwork:
    tf_keras.utils.set_random_seed(0)
    kind = (
        daml_network.DamlNetwork
        if isinstance(config, daml_config.DamlConfig)
        else network.MamlNetwork
    )
    made = kind(config)
    rng = np.random.default_rng(0)
    for value in made.theta.values():  # biases too, so that no gradient is trivial
        value.assign_add(0.1 * rng.standard_normal(value.shape))
    return made


def _example(config, demos=2) -> imitation.Example:
    rng = np.random.default_rng(0)
    dtype = tf_keras.backend.floatx()
    states = []
    for i in range(3):
        task = Task(
            object_set.draw(f"train-{i}", config.layout.size, 0), "grasp", 0.8, "train"
        )
        env = tabletop_environment.Manipulation(SceneConfig(task, i, 0))
        states.append(env.reset().observation["state"])
    first = np.stack(states)

    def shown(count):
        frames = np.tile(first[:, None, None], (1, count, config.context_frames, 1))
        return contexts.ContextEpisodes(
            tf.constant(frames + 0.02 * rng.standard_normal(frames.shape), dtype),
            tf.constant(rng.uniform(-1, 1, (*frames.shape[:3], 5)), dtype),
            tf.ones((3, count), dtype),
            tf.ones((3, count), dtype),
        )

    window = np.tile(first[:, None], (1, 4, 1))
    return imitation.Example(
        context=contexts.Context(
            demos=shown(demos),
            trials=shown(1),
            privileged=None,
            state=tf.constant(first, dtype),
            gumbel=tf.zeros((3, config.entities)),
        ),
        demo_acted=tf.constant([[0, 1], [3, 4], [2, 2]])[:, :demos],
        trial_acted=None,
        target=tf.constant([0, 4, 2]),
        state=tf.constant(window + 0.02 * rng.standard_normal(window.shape), dtype),
        action=tf.constant(rng.uniform(-1, 1, (3, 4, config.chunk_size)), dtype),
    )


@pytest.fixture
def float64():
    before = tf_keras.backend.floatx()
    tf_keras.backend.set_floatx("float64")
    yield
    tf_keras.backend.set_floatx(before)


def _meta_gradient(config) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the outer loss, and central differences of it, in directions."""
    made, example = _network(config), _example(config)

    def outer():
        return loss.loss(made, example, tf.constant(-2.0, tf.float64)).total

    outer()  # creates the variables of the inner loss
    variables = made.trainable_variables
    with tf.GradientTape() as tape:
        total = outer()
    gradients = tape.gradient(total, variables, unconnected_gradients="zero")
    rng = np.random.default_rng(1)
    exact, differences = [], []
    epsilon = 1e-6
    compiled = tf.function(outer)  # called twice for each variable
    for variable, slope in zip(variables, gradients, strict=True):
        direction = rng.standard_normal(variable.shape)
        exact.append(np.sum(direction * slope))
        value = variable.numpy()
        sides = []
        for sign in (1, -1):
            variable.assign(value + sign * epsilon * direction)
            sides.append(float(compiled()))
        variable.assign(value)
        differences.append((sides[0] - sides[1]) / (2 * epsilon))
    return np.array(exact), np.array(differences)


@pytest.mark.parametrize("changes", _VARIANTS.values(), ids=_VARIANTS)
def test_meta_gradient_is_that_of_finite_differences(float64, changes):
    exact, differences = _meta_gradient(_config(**changes))
    assert np.abs(differences).max() > 0.01
    np.testing.assert_allclose(exact, differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("variant", ("entities", "temporal loss"))
def test_first_order_gradient_leaves_something_out(float64, variant):
    config = _config(second_order=False, **_VARIANTS[variant])
    exact, differences = _meta_gradient(config)
    error = np.linalg.norm(exact - differences)
    assert error > 1e-3 * np.linalg.norm(differences)


def test_adaptation_of_a_quadratic_is_as_calculated():
    """L = c (theta - t)^2 / 2: phi = theta - alpha c (theta - t), by hand."""
    theta = {"x": tf.Variable([3.0, -1.0])}
    alpha = {"x": tf.Variable([0.1, 0.5])}
    curvature, target = 2.0, tf.constant([[1.0, 1.0], [0.0, 2.0]])

    def adapted(second_order, clip=100.0):
        with tf.GradientTape() as tape:
            phi = gradient.adapt(
                theta,
                alpha,
                lambda phi: tf.reduce_sum(
                    curvature / 2 * (phi["x"] - target) ** 2, axis=-1
                ),
                batch=2,
                steps=1,
                second_order=second_order,
                clip=clip,
            )
        return phi["x"], tape.gradient(phi["x"], theta["x"])

    expected = theta["x"] - alpha["x"] * curvature * (theta["x"] - target)
    phi, second = adapted(True)
    np.testing.assert_allclose(phi, expected, rtol=1e-6)
    np.testing.assert_allclose(second, 2 * (1 - curvature * alpha["x"]), rtol=1e-5)
    phi, first = adapted(False)
    np.testing.assert_allclose(phi, expected, rtol=1e-6)
    np.testing.assert_allclose(first, [2.0, 2.0])
    clipped, _ = adapted(True, clip=0.5)
    np.testing.assert_allclose(clipped[0], [3.0 - 0.05, -1.0 + 0.25], rtol=1e-6)


def test_packing_keeps_every_parameter():
    made = _network(_config())
    phi = made.encode(_example(made.config).context)
    packed = gradient.pack(phi)
    assert packed.shape == (3, made.parameter_count)
    again = gradient.unpack(packed, made.theta)
    assert set(again) == set(phi) == set(made.theta)
    for name, value in phi.items():
        np.testing.assert_array_equal(again[name], value)


def test_tasks_of_a_batch_do_not_touch_each_other():
    made = _network(_config())
    context = _example(made.config).context
    demos = context.demos
    other = demos._replace(
        action=tf.concat([demos.action[:2], -demos.action[2:]], axis=0)
    )
    before = gradient.pack(made.encode(context))
    after = gradient.pack(made.encode(context._replace(demos=other)))
    np.testing.assert_allclose(before[:2], after[:2], atol=1e-6)
    assert np.abs(before[2] - after[2]).max() > 1e-3


@pytest.mark.slow
def test_an_inner_step_lowers_the_inner_loss_after_meta_training():
    # With one head: the loss of a head of its own need not fall, only lead elsewhere.
    made = _network(_config(hidden=(32,), two_heads=False))
    example = _example(made.config, demos=1)
    demos = example.context.demos
    example = example._replace(
        state=demos.state[:, 0, :-1],
        action=demos.action[:, 0, :-1],
        target=example.demo_acted[:, 0],
    )
    optimizer = tf_keras.optimizers.Adam(3e-3)

    def inner(phi) -> np.ndarray:
        return made.inner_losses(phi, demos).numpy()

    for _ in range(60):
        with tf.GradientTape() as tape:
            total = loss.loss(made, example, tf.constant(-1.0)).total
        gradients = tape.gradient(total, made.trainable_variables)
        optimizer.apply_gradients(zip(gradients, made.trainable_variables, strict=True))
    theta = {name: tf.stack([value] * 3) for name, value in made.theta.items()}
    before, after = inner(theta), inner(made.encode(example.context))
    assert (after < before - 0.5).all(), (before, after)


def test_a_masked_demonstration_changes_nothing():
    made = _network(_config())
    context = _example(made.config, demos=2).context
    mask = tf.constant([[1.0, 0.0]] * 3)
    masked = context._replace(demos=context.demos._replace(mask=mask))
    alone = context._replace(
        demos=contexts.ContextEpisodes(*(value[:, :1] for value in context.demos))
    )
    both = gradient.pack(made.encode(context))
    one = gradient.pack(made.encode(alone))
    np.testing.assert_allclose(gradient.pack(made.encode(masked)), one, atol=1e-6)
    assert np.abs(both - one).max() > 1e-3


def test_without_demonstration_nothing_is_adapted():
    made = _network(_config())
    context = _example(made.config).context
    none = context._replace(demos=context.demos._replace(mask=0 * context.demos.mask))
    phi = made.encode(none)
    for name, value in made.theta.items():
        np.testing.assert_array_equal(phi[name][0], value)


@pytest.mark.parametrize("method", ["daml", "daml_linear"])
def test_a_video_is_learned_from_without_its_actions(method):
    made = _network(_config(method))
    context = _example(made.config).context
    silent = context._replace(demos=context.demos._replace(action=None))
    before = gradient.pack(made.encode(context))
    np.testing.assert_array_equal(before, gradient.pack(made.encode(silent)))
    still = gradient.pack({n: v[None] for n, v in made.theta.items()})
    assert np.abs(before - still).max() > 1e-4


@pytest.mark.parametrize("method, minds", [("daml", True), ("daml_linear", False)])
def test_only_the_temporal_loss_minds_the_order_of_frames(method, minds):
    made = _network(_config(method))
    demos = _example(made.config).context.demos
    # The first frame stays: what is acted on is chosen in it.
    order = [0, 3, 1, 4, 2]
    shuffled = demos._replace(state=tf.gather(demos.state, order, axis=2))
    theta = {name: tf.stack([value] * 3) for name, value in made.theta.items()}
    loss = made.inner_losses(theta, demos).numpy()
    other = made.inner_losses(theta, shuffled).numpy()
    assert (np.abs(loss - other).max() > 1e-3 * loss.max()) == minds


def test_choice_follows_the_entity_but_not_its_slot():
    made = _network(_config())
    context = _example(made.config).context
    phi = made.encode(context)
    scores = made.choose(phi, context.state).numpy()
    assert scores.shape == (3, made.config.entities)
    order = np.array([2, 0, 1])
    place, shape = made.layout.rows["objects"]
    state = context.state.numpy()
    state[:, place] = state[:, place].reshape(-1, *shape)[:, order].reshape(3, -1)
    swapped = made.choose(phi, tf.constant(state)).numpy()
    np.testing.assert_allclose(swapped[:, :3], scores[:, order], atol=1e-5)
