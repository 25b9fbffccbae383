"""Task embeddings: the margin loss, the sentence, what training does to both."""

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
from wtl.policies.contextual import context as contexts
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.tecnet import loss, network
from wtl.training.policy_config import config_for

TASKS = 8
METHOD_NAMES = ("tecnet", "tecnet_flat")


def _config(method="tecnet", **changes):
    small = {"hidden": (32, 32), "context_frames": 6, "components": 2} | changes
    return dataclasses.replace(config_for(method, TaskDistribution()), **small)


def _network(config) -> network.TecnetNetwork:
    tf_keras.utils.set_random_seed(0)
    return network.TecnetNetwork(config)


def _example(config, demos=1, seed=0) -> imitation.Example:
    """Each task moves another thing in a way of its own; both its episodes show it."""
    rng = np.random.default_rng(seed)
    first = []
    for i in range(TASKS):
        task = Task(
            object_set.draw(f"train-{i}", config.layout.size, 0), "grasp", 0.8, "train"
        )
        env = tabletop_environment.Manipulation(SceneConfig(task, i, 0))
        first.append(env.reset().observation["state"])
    first = np.stack(first)
    way = rng.uniform(-1, 1, (TASKS, 1, 1, 5))

    def shown(count):
        frames = np.tile(first[:, None, None], (1, count, config.context_frames, 1))
        frames = frames + 0.01 * rng.standard_normal(frames.shape)
        action = way + 0.05 * rng.standard_normal((*frames.shape[:3], 5))
        return contexts.ContextEpisodes(
            tf.constant(frames, tf.float32),
            tf.constant(action, tf.float32),
            tf.ones((TASKS, count)),
            tf.ones((TASKS, count)),
        )

    window = np.tile(first[:, None], (1, 4, 1))
    return imitation.Example(
        context=contexts.Context(
            demos=shown(demos),
            trials=shown(1),
            privileged=None,
            state=tf.constant(first),
            gumbel=tf.zeros((TASKS, config.entities)),
        ),
        demo_acted=tf.tile(tf.range(TASKS)[:, None] % config.layout.size, (1, demos)),
        trial_acted=None,
        target=tf.range(TASKS) % config.layout.size,
        state=tf.constant(window),
        action=tf.constant(np.tile(way[:, 0], (1, 4, 1)), tf.float32),
        imitated=shown(1),
    )


def test_the_margin_loss_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    query, sentence = rng.standard_normal((2, 5, 3))
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    sentence /= np.linalg.norm(sentence, axis=1, keepdims=True)
    terms = [
        max(0.0, 0.1 - query[j] @ sentence[j] + query[j] @ sentence[i])
        for j in range(5)
        for i in range(5)
        if i != j
    ]
    assert 0 < np.count_nonzero(terms) < len(terms)
    cosines = tf.constant(query @ sentence.T, tf.float32)
    found = loss.margin_loss(cosines, 0.1)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)
    apart = tf.constant([[1.0, 0.8], [0.5, 0.7]])
    assert float(loss.margin_loss(apart, 0.1)) == 0.0
    assert float(loss.margin_loss(apart, 0.25)) == pytest.approx((0.05 + 0.05) / 2)
    assert float(loss.margin_loss(tf.ones((1, 1)), 0.1)) == 0.0  # no other task


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_the_sentence_is_the_mean_of_unit_embeddings_at_unit_length(method):
    config = _config(method)
    made, demos = _network(config), 3
    example = _example(config, demos)
    mask = np.ones((TASKS, demos), np.float32)
    mask[0, 2] = 0
    shown = example.context.demos._replace(mask=tf.constant(mask))
    context = example.context._replace(demos=shown)
    each = made.embed(shown).numpy()
    np.testing.assert_allclose(np.linalg.norm(each, axis=-1), 1, rtol=1e-5)
    sentence = made.encode(context).embedding.numpy()
    expected = (mask[..., None] * each).sum(1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(sentence, expected, atol=1e-5)
    two = shown._replace(
        state=shown.state[:1, :2],
        action=shown.action[:1, :2],
        success=shown.success[:1, :2],
        mask=shown.mask[:1, :2],
    )
    alone = made.encode(context._replace(demos=two, state=context.state[:1]))
    np.testing.assert_allclose(alone.embedding[0], sentence[0], atol=1e-5)


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_the_loss_weighs_its_parts(method):
    config = _config(method)
    made, example = _network(config), _example(config)
    total = {}
    for name in ("embedding_weight", "support_weight", "query_weight"):
        weights = dict(embedding_weight=0.0, support_weight=0.0, query_weight=0.0)
        made.config = dataclasses.replace(config, **weights | {name: 1.0})
        found = loss.loss(made, example, tf.constant(-2.0))
        total[name] = float(found.total)
    query = sum(float(getattr(found, n)) for n in ("imitation", "target", "attention"))
    assert total["embedding_weight"] == pytest.approx(float(found.embedding))
    assert total["support_weight"] == pytest.approx(float(found.support))
    assert total["query_weight"] == pytest.approx(query)
    made.config = config
    expected = np.dot([1.0, 0.1, 0.1], list(total.values()))
    found = loss.loss(made, example, tf.constant(-2.0)).total
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_demonstrations_that_are_not_there_are_not_cloned():
    config = _config()
    made, example = _network(config), _example(config, demos=2)
    demos = example.context.demos
    mask = tf.constant(np.tile([[1.0, 0.0]], (TASKS, 1)), tf.float32)

    def support(junk):
        action = tf.concat([demos.action[:, :1], junk], axis=1)
        shown = demos._replace(action=action, mask=mask)
        given = example._replace(context=example.context._replace(demos=shown))
        return float(loss.loss(made, given, tf.constant(-2.0)).support)

    junk = demos.action[:, 1:]
    assert support(junk) == pytest.approx(support(-junk), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHOD_NAMES)
def test_training_brings_a_task_together_and_clones_unseen_examples_of_it(method):
    config = _config(method)
    made = _network(config)
    unseen = _example(config, seed=0)
    examples = []
    for seed in range(1, 5):  # the same tasks, other noise
        other = _example(config, seed=seed)
        way = unseen.action[:, :1]
        shift = way - other.action[:, :1]

        def moved(shown, shift=shift):
            return shown._replace(action=shown.action + shift[:, None])

        examples.append(
            other._replace(
                context=other.context._replace(demos=moved(other.context.demos)),
                imitated=moved(other.imitated),
                action=unseen.action,
            )
        )
    before = loss.loss(made, unseen, tf.constant(-2.0))
    optimizer = tf_keras.optimizers.Adam(3e-3)
    variables = made.trainable_variables
    optimizer.build(variables)

    @tf.function
    def update(example):
        with tf.GradientTape() as tape:
            total = loss.loss(made, example, tf.constant(-2.0)).total
        gradients = tape.gradient(total, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    for step in range(100):
        update(examples[step % 4])
    after = loss.loss(made, unseen, tf.constant(-2.0))
    assert float(after.embedding) < 0.2 * float(before.embedding)
    assert float(after.closest) == 1.0
    assert float(after.imitation) < float(before.imitation) - 0.5
    assert float(after.support) < float(before.support) - 0.5
