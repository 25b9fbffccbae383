"""The toy world: what its arm can reach, what it hides, and who may see what."""

import dataclasses
import itertools

import mujoco
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest
from demonstrating import demonstrate, request
from dm_env import test_utils
from tf_agents.trajectories import time_step

from tests import relabelled
from wtl.collection import context_builder
from wtl.collection.drawing import scene, svg
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import (
    actuator_gains,
    oracle_bound,
    physics,
)
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.reacher import arm, expert, observation
from wtl.collection.worlds.reacher import world as worlds
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode, fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.fields import STATE
from wtl.datasets.reading.store import stack
from wtl.evaluation.scenario import oracle_bound_of, scenarios
from wtl.policies import features
from wtl.policies.contextual import context as contexts
from wtl.policies.methods import CONDITIONS, METHODS
from wtl.training import augmentation, examples
from wtl.training.policy_config import config_for

_SIGNS = list(itertools.product((1.0, -1.0), repeat=2))
SUITE = TaskDistribution(
    size=2,
    train_object_sets=5,
    train_tasks=20,
    test_tasks=40,
    identity_share=1.0,
    domain="reacher",
    motor_faults=actuator_gains.ActuatorGainDistribution(arm.JOINTS, (1.0, 1.0), 0.5),
)
LAYOUT = SUITE.layout
BOUND = oracle_bound.OracleBound(SUITE)


def _scene_configs(count=40):
    tasks = SUITE.tasks(fields.SPLIT_TEST)[:count]
    seeds = [SUITE.scene_seed(task, "test", 0) for task in tasks]
    return [task.scene(seed) for task, seed in zip(tasks, seeds, strict=True)]


def _open(scene_config):
    return registry.get(scene_config.task.domain).open(scene_config)


def _act(env, gains):
    """Plays the scripted expert through motors; returns all timesteps."""
    timesteps = [env.reset()]
    while not timesteps[-1].last():
        command = expert.act(env.world, env.scene_config.target)
        timesteps.append(env.step(command.action * gains))
    return timesteps


def _demonstrate(scene_config, noise=0.15):
    scene_config = dataclasses.replace(scene_config, nominal_actuators=True)
    name = episode.episode_id(
        fields.WTL_DEMOS,
        scene_config.task.task_id,
        fields.ROLE_DEMO,
        0,
        scene_config.scene_seed,
    )
    seed = seeding.derive_seed("test", scene_config.scene_seed)
    return demonstrate(request(scene_config, name, seed), noise)


class ConformanceTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return _open(_scene_configs(1)[0])

    def make_action_sequence(self):
        rng = np.random.default_rng(0)
        for _ in range(120):
            yield rng.uniform(-1, 1, 2).astype(np.float32)


def test_kinematics_in_closed_form_are_those_of_the_model():
    env = _open(_scene_configs(1)[0])
    env.reset()
    for _ in range(30):
        env.step([0.7, -0.4])
        np.testing.assert_allclose(
            arm.forward(env.world.joints)[1], env.world.tip, atol=1e-6
        )
    for bent in (-1, 1):
        for target in env.world.targets:
            np.testing.assert_allclose(
                arm.forward(arm.inverse(target, bent))[1], target, atol=1e-9
            )
            assert np.sign(arm.inverse(target, bent)[1]) == bent


def test_every_target_is_reached_by_who_knows_the_motors_and_by_nobody_else():
    """Of 8 hidden tasks each needs another behaviour: none does for two."""
    for scene_config in _scene_configs(10):
        for target, gains, assumed in itertools.product((0, 1), _SIGNS, _SIGNS):
            task = dataclasses.replace(scene_config.task, gains=gains)
            env = _open(SceneConfig(task, scene_config.scene_seed, target))
            last = _act(env, assumed)[-1]
            assert last.reward == (assumed == gains)
            assert env.achieved(target) == (assumed == gains)
            assert not env.achieved(1 - target)


def test_demonstrations_are_made_by_sound_motors_and_hide_what_a_trial_shows():
    task = SUITE.tasks(fields.SPLIT_TRAIN)[0]
    (scene_config, *_) = SUITE.demonstration_scenes(task)
    made = [
        _demonstrate(
            dataclasses.replace(
                scene_config, task=dataclasses.replace(task, gains=gains)
            )
        )
        for gains in _SIGNS
    ]
    for other in made[1:]:
        for name in (fields.STATE, fields.ACTION):
            np.testing.assert_array_equal(made[0].steps[name], other.steps[name])
    # A trial is played under the motors of the task.
    trials = []
    for gains in _SIGNS:
        played = dataclasses.replace(task, gains=gains)
        env = _open(SceneConfig(played, scene_config.scene_seed, scene_config.target))
        env.reset()
        trials.append(env.step([0.5, 0.5]).observation[STATE])
    assert len(np.unique(np.array(trials).round(4), axis=0)) == len(_SIGNS)


def test_all_8_hidden_tasks_occur():
    tasks = SUITE.tasks(fields.SPLIT_TEST)
    assert len({(task.rule.index, task.gains) for task in tasks}) == 8
    train = SUITE.tasks(fields.SPLIT_TRAIN)
    motors_of = {}
    for task in train:
        motors_of.setdefault(task.object_set.name, set()).add(task.gains)
    assert max(map(len, motors_of.values())) > 1, "colours tell the motors"


def test_demonstrations_fit_the_schema_and_are_read_without_the_simulator():
    spec = episode_spec(2, hidden_gains=True, domain="reacher")
    made = [
        _demonstrate(scene_config)
        for task in SUITE.tasks(fields.SPLIT_TRAIN)
        for scene_config in SUITE.demonstration_scenes(task)
    ]
    assert None not in made
    for one in made:
        episode.validate(one, spec)
        assert len(one) == 51
        assert one.metadata[fields.CONTROL_HZ] == 50
        assert one.metadata[fields.SUCCESS]
    states = np.stack([one.steps[fields.STATE] for one in made])
    np.testing.assert_array_equal(
        LAYOUT.acted_slots(states),
        [one.metadata[fields.HIDDEN_TARGET] for one in made],
    )
    assert (LAYOUT.acted_slots(states[:, :1]) == -1).all()
    identities, places = LAYOUT.identities_and_places(states[:, 0])
    for name in {one.metadata[fields.OBJECT_SET] for one in made}:
        rows = [i for i, m in enumerate(made) if m.metadata[fields.OBJECT_SET] == name]
        rgb = LAYOUT.split(states[rows, 0])["targets"][..., 2:]
        ordered = np.take_along_axis(
            rgb, identities[rows].argsort(axis=1)[..., None], axis=1
        )
        assert np.ptp(ordered, axis=0).max() == 0
    x = LAYOUT.split(states[:, 0])["targets"][..., 0]
    np.testing.assert_array_equal(places, x.argsort(axis=1).argsort(axis=1))


def test_same_seed_gives_the_same_episode_whatever_came_before():
    scene_config = _scene_configs(1)[0]
    fresh = _demonstrate(scene_config)
    env = _open(_scene_configs(3)[2])
    _act(env, (1.0, 1.0))
    env.prepare(scene_config)
    again, fresh_env = _act(env, (1.0, 1.0)), _act(_open(scene_config), (1.0, 1.0))
    for one, other in zip(again, fresh_env, strict=True):
        np.testing.assert_array_equal(one.observation[STATE], other.observation[STATE])
    for name, array in _demonstrate(scene_config).steps.items():
        np.testing.assert_array_equal(array, fresh.steps[name])


def test_physics_state_renders_the_scene_again():
    scene_config = _scene_configs(1)[0]
    made = _demonstrate(scene_config)
    model = worlds.compile_model(scene_config.task.object_set)
    data = mujoco.MjData(model)
    for step in (0, -1):
        state = made.steps[fields.PHYSICS_STATE][step]
        mujoco.mj_setState(model, data, state, physics.STATE_SPEC)
        mujoco.mj_forward(model, data)
        tip = LAYOUT.split(made.steps[fields.STATE][step])["arm"][6:8]
        np.testing.assert_allclose(
            data.site_xpos[model.site(f"arm/{arm.TIP}").id, :2], tip, atol=1e-5
        )
        scene = scene_config.task.object_set.scene(scene_config.scene_seed)
        np.testing.assert_allclose(data.mocap_pos[:, :2], scene.positions)


def test_dense_reward_is_the_distance_and_tells_success_by_its_sign():
    for scene_config, gains in itertools.product(_scene_configs(5), _SIGNS):
        task = dataclasses.replace(
            scene_config.task, gains=gains, domain="dense_reacher"
        )
        dense, sparse = (
            _act(_open(dataclasses.replace(scene_config, task=t)), (1.0, 1.0))
            for t in (task, dataclasses.replace(task, domain="reacher"))
        )
        slot = _slot(scene_config)
        for rich, plain in zip(dense[1:], sparse[1:], strict=True):
            state = rich.observation[STATE]
            np.testing.assert_array_equal(state, plain.observation[STATE])
            rows = LAYOUT.split(state)
            way = rows["targets"][slot, :2] - rows["arm"][6:8]
            assert rich.reward == pytest.approx(
                plain.reward - np.linalg.norm(way), abs=1e-6
            )
        assert (dense[-1].reward > 0) == (sparse[-1].reward > 0)


def _slot(scene_config):
    env = _open(scene_config)
    env.reset()
    return env.target_slot


def test_mirrored_commands_make_the_mirrored_motion():
    scene_config = _scene_configs(1)[0]
    made = _demonstrate(scene_config, noise=0.0)
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


def test_environments_of_the_pool_play_as_long_as_their_world():
    scenes = _scene_configs(3)
    with ProcessVectorEnvironment(2) as pool:
        observed = pool.reset(scenes)
        assert pool.horizon == 50
        assert observed[STATE].shape == (3, LAYOUT.state_size)


def test_inputs_of_networks_are_bounded_and_follow_the_target():
    first = [
        _open(scene_config).reset().observation[STATE]
        for scene_config in _scene_configs()
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


@pytest.mark.parametrize("method", ["bc", "mil", "wtl", "tecnet"])
@pytest.mark.parametrize("selects_target", [True, False])
def test_a_policy_keeps_to_one_way_in_which_its_motors_may_turn(method, selects_target):
    small = {"hidden": (16,), "context_frames": 6, "selects_target": selects_target}
    config = dataclasses.replace(config_for(method, SUITE), **small)
    kind = METHODS[method].kind
    policy = kind.policy(kind.network(config))
    first = np.stack(
        [
            _open(scene_config).reset().observation[STATE]
            for scene_config in _scene_configs(4)
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
    made = [_demonstrate(scene_config) for scene_config in scenes]
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


def test_pictures_of_the_arm_move():
    made = _demonstrate(_scene_configs(1)[0])
    states = made.steps[fields.STATE]
    still = scene.draw(states, LAYOUT, "Watch", 0, 1)
    assert "Watch" in still and "<animate" not in still
    moving = scene.draw(states, LAYOUT, "Watch", 0, 1, svg.Clip())
    assert moving.count("<animateTransform") >= 2


def _mean(name):
    found = scenarios(SUITE, fields.SPLIT_TEST, 2)
    return np.mean([oracle_bound_of(CONDITIONS[name], each, BOUND) for each in found])


def test_bounds_count_the_signs_that_were_drawn():
    """Share of 2 targets × the signs of all test tasks that is found."""
    tasks = SUITE.tasks(fields.SPLIT_TEST)
    signs = [tuple(np.sign(task.gains)) for task in tasks]
    common = max(signs, key=signs.count)
    right = np.array([sign == common for sign in signs])
    assert right.mean() > 0.25  # the luckiest of four
    assert _mean("bc") == pytest.approx(right.mean() / 2)
    assert _mean("mil") == _mean("mil_second_try") == pytest.approx(right.mean())
    assert _mean("wtl") == _mean("wtl_new_scene") == _mean("oracle_task") == 1.0
    # A blind try with the right motors tells the target too, by success or failure;
    # with the wrong ones it tells the motors alone.
    assert _mean("trial_only") == pytest.approx(np.where(right, 1.0, 0.5).mean())
    assert _mean("demo_hidden_at_retrial") == 1.0


def test_ideal_agents_reach_the_bounds_in_the_simulator_and_no_more():
    """Agents commit to the commonest signs; the one that has tried knows them."""
    scenes = _scene_configs()
    signs = [tuple(np.sign(scene.task.gains)) for scene in scenes]
    common = np.array(max(signs, key=signs.count))

    def played(gains):
        each = zip(scenes, gains, strict=True)
        return np.mean(
            [_act(_open(scene), gain)[-1].reward > 0 for scene, gain in each]
        )

    committed = played([common] * len(scenes))
    assert _mean("mil") - 0.05 <= committed <= _mean("mil") + 1e-9
    assert _mean("wtl") - 0.05 <= played(np.array(signs)) <= _mean("wtl")


def test_ceilings_know_readings_and_motors_together():
    prior = oracle_bound.Prior(identity_share=0.6, families=(1,), size=2, motors=0.25)
    told = oracle_bound.Readings(identity=0, position=1, true=0)
    untold = oracle_bound.Readings(identity=0, position=1, true=1)
    assert oracle_bound.demo_and_trial(told, told, prior) == 1.0
    # With the wrong motors no outcome tells which reading is right.
    assert oracle_bound.demo_and_trial(untold, untold, prior) == 0.25
    assert oracle_bound.trial_of_demo_only(untold, prior) == 0.25


def test_what_cannot_be_is_said():
    with pytest.raises(UserError, match="suite.domain is 'swimmer'"):
        TaskDistribution(domain="swimmer")
    with pytest.raises(UserError, match="the robot has shoulder, elbow"):
        dataclasses.replace(
            SUITE, motor_faults=actuator_gains.ActuatorGainDistribution()
        ).tasks(fields.SPLIT_TEST)
