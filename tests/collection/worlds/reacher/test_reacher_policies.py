"""Policies of the reacher: inputs, symmetry, selection and learning."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from reached import LAYOUT, SUITE, demonstrated, opened, scene_configs
from tf_agents.trajectories import time_step

from tests import relabelled
from wtl.collection import context_builder
from wtl.collection.worlds.reacher import observation
from wtl.collection.worlds.reacher import world as worlds
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.fields import STATE
from wtl.datasets.reading.store import stack
from wtl.policies import features
from wtl.policies.contextual import context as contexts
from wtl.policies.methods import METHODS
from wtl.training import augmentation, examples
from wtl.training.policy_config import config_for


def test_inputs_of_networks_are_bounded_and_follow_the_target():
    first = [
        opened(scene_config).reset().observation[STATE]
        for scene_config in scene_configs()
    ]
    state = tf.constant(np.stack(first))
    module = LAYOUT.features
    rows = features.split(state, LAYOUT)
    items = module.entities(rows)
    relations = module.relations(rows, items)
    assert relations.shape[:2] == (40, 2)
    assert np.abs(relations).max() < 5 and np.abs(module.body(rows)).max() < 5
    chosen = module.relations(rows, items.pick(tf.one_hot([1] * 40, 2)))
    np.testing.assert_allclose(chosen[:, 0], relations[:, 1], atol=1e-6)


def test_mirrored_commands_make_the_mirrored_motion():
    scene_config = scene_configs(1)[0]
    made = demonstrated(scene_config, noise=0.0)
    mirror = augmentation.Symmetry(
        -np.ones(1, np.float32),
        np.eye(3, dtype=np.float32)[None],
        np.zeros((1, 3), np.float32),
    )
    states = augmentation.apply_to_states(
        mirror, tf.constant(made.steps[fields.STATE][None]), LAYOUT
    ).numpy()[0]
    actions = augmentation.apply_to_actions(
        mirror, tf.constant(made.steps[fields.ACTION][None]), LAYOUT
    ).numpy()[0]
    scene = scene_config.task.object_set.scene(scene_config.scene_seed)
    scene = dataclasses.replace(
        scene, positions=scene.positions * (-1, 1), joints=-scene.joints
    )
    world = worlds.World()
    world.reset(scene_config.task.object_set, scene)
    for step, action in enumerate(actions[:-1]):
        seen = observation.observe(world, step / 50)
        np.testing.assert_allclose(seen, states[step], atol=2e-3)
        world.step(action)


@pytest.mark.parametrize("method", ["bc", "mil", "wtl", "tecnet"])
@pytest.mark.parametrize("selects_target", [True, False])
def test_a_policy_keeps_the_component_that_it_selects_first(method, selects_target):
    small = {"hidden": (16,), "context_frames": 6, "selects_target": selects_target}
    config = dataclasses.replace(config_for(method, SUITE), **small)
    kind = METHODS[method].kind
    policy = kind.policy(kind.network(config))
    first = np.stack(
        [
            opened(scene_config).reset().observation[STATE]
            for scene_config in scene_configs(4)
        ]
    )
    nothing = context_builder.no_episodes(4, config)
    picked = np.array([0, 3, 3, 5])
    noise = np.zeros((4, config.choices), np.float32)
    noise[np.arange(4), config.entities + picked] = 1e6
    state = policy.encode_context(
        contexts.Context(
            demos=nothing,
            trials=nothing,
            privileged=context_builder.no_privileged(4, config),
            state=tf.constant(first),
            gumbel=tf.constant(noise),
        )
    )
    np.testing.assert_array_equal(np.argmax(state["component"], axis=1), picked)
    for shift in (0.0, 0.1):
        states = tf.constant(first + np.float32(shift))
        step = policy.action(time_step.restart({STATE: states}, 4), state)
        network = policy.network
        actor = network.act(states, state["embedding"], state["target"])
        _, mean, _ = network.head.predict(actor)
        wanted = tf.gather(mean, picked, batch_dims=1)
        np.testing.assert_allclose(step.action, np.clip(wanted, -1, 1), atol=1e-6)
        state = step.state


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "changes"),
    [("wtl", {"head": "mean", "state_noise": 0.01}), ("tecnet", {}), ("maml", {})],
)
def test_every_kind_of_policy_learns_the_reacher(method, changes):
    small = {"hidden": (16,), "context_frames": 6}
    config = dataclasses.replace(config_for(method, SUITE), **small, **changes)
    scenes = [
        s
        for t in SUITE.tasks(fields.SPLIT_TRAIN)[:3]
        for s in SUITE.demonstration_scenes(t)
    ]
    made = [demonstrated(scene_config) for scene_config in scenes]
    for i, one in enumerate(made):
        one.metadata[fields.EPISODE_ID] = str(i)
    demos = stack(made)
    trials = None
    if config.trials:
        # Each follows a demonstration in the scene before, of the same task.
        rows = np.roll(np.arange(len(demos)).reshape(3, -1), SUITE.size, axis=1)
        names = [(demos[fields.EPISODE_ID][row],) for row in rows.ravel()]
        parents = {fields.PARENT_DEMO_IDS: names}
        trials = dataclasses.replace(demos, metadata=dict(demos.metadata) | parents)
    draws = relabelled.sampler(demos, LAYOUT, identity_share=0.6, trials=trials)
    source = examples.ExampleSource(demos, demos, trials, draws, config, 8)
    train, held_out = (
        source.gather(source.draw(seeding.generator(seed), 64)) for seed in (0, 1)
    )
    kind = METHODS[method].kind
    tf.keras.utils.set_random_seed(0)
    network = kind.network(config)
    kind.loss(network, train, tf.constant(-1.0))  # creates the weights
    optimizer = tf.keras.optimizers.legacy.Adam(3e-3)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            total = kind.loss(network, train, tf.constant(-1.0)).total
        gradients = tape.gradient(total, network.trainable_variables)
        pairs = zip(gradients, network.trainable_variables, strict=True)
        optimizer.apply_gradients((g, v) for g, v in pairs if g is not None)

    for _ in range(60):
        step()
    # Nats per dimension of the best distribution that is given no state at all.
    spread = np.std(held_out.action, axis=(0, 1))
    constant = np.log(spread * np.sqrt(2 * np.pi * np.e)).mean()
    assert kind.loss(network, held_out, tf.constant(-1.0)).imitation < constant - 0.2
