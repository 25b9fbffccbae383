"""Faulty motors move otherwise than commanded; only what is commanded tells."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from demonstrating import demonstrate, request

from tests import relabelled
from wtl.collection.worlds.entities import actuator_gains, relabel
from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import episode_id, validate
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import stack
from wtl.training import augmentation, examples
from wtl.training.policy_config import config_for

SOUND = TaskDistribution(train_object_sets=5, train_tasks=5, val_tasks=5, test_tasks=5)
FAULTY = dataclasses.replace(SOUND, motor_faults=ActuatorGainDistribution())
LAYOUT = observation.Layout(3)


def _task(family, gains):
    task = next(t for t in SOUND.tasks(fields.SPLIT_TRAIN) if t.family == family)
    return dataclasses.replace(task, gains=gains)


def _demo(scene_config, number=0, noise=0.0):
    name = episode_id(
        fields.WTL_DEMOS, scene_config.task.task_id, "demo", number, number
    )
    return demonstrate(request(scene_config, name, number), noise)


def test_gains_scale_and_flip_each_axis():
    env = Manipulation(SceneConfig(_task("push", (-1.0, 2.0, 1.0, 0.5, 1.0)), 3, 0))
    env.reset()
    before = env.world.setpoint.copy()
    env.step(np.array([0.2, 0.25, 0.5, -1.0, 1.0]))
    moved = env.world.setpoint - before
    np.testing.assert_allclose(moved, [-0.016, 0.04, 0.04, -0.25], atol=1e-9)


def test_faulty_motors_are_no_faster_than_sound_ones():
    env = Manipulation(SceneConfig(_task("push", (1.0, -2.0, 1.0, 1.0, 1.0)), 3, 0))
    env.reset()
    before = env.world.setpoint.copy()
    env.step(np.array([0.0, -5.0, 0.0, 0.0, 1.0]))
    assert env.world.setpoint[1] - before[1] == pytest.approx(0.08)


def test_simulated_humans_and_experts_have_nominal_actuators():
    task = FAULTY.tasks(fields.SPLIT_TRAIN)[0]
    assert SceneConfig(task, 0, 0).gains(0) == task.gains
    assert SceneConfig(task, 0, 0, Embodiment.HUMAN).gains(0) == ()
    assert all(
        scene_config.gains(0) == ()
        for scene_config in FAULTY.demonstration_scenes(task)
    )


def test_gains_take_effect_at_their_onset_in_every_episode():
    late = dataclasses.replace(_task("push", (-2.0, 1.0, 1.0, 1.0, 1.0)), onset=2)
    env = Manipulation(SceneConfig(late, 3, 0))
    command = np.array([0.1, 0.0, 0.0, 0.0, 1.0])
    for _ in range(2):
        env.reset()
        moved = []
        for _ in range(4):
            before = env.world.setpoint[0]
            env.step(command)
            moved.append(env.world.setpoint[0] - before)
        np.testing.assert_allclose(moved, [0.008, 0.008, -0.016, -0.016], atol=1e-9)


def test_without_onset_tasks_are_described_as_before():
    faults = ActuatorGainDistribution(("x", "y"))
    late = dataclasses.replace(faults, onset=10)
    made = [
        TaskDistribution(motor_faults=f, train_tasks=2).tasks(fields.SPLIT_TRAIN)
        for f in (faults, late)
    ]
    for task, delayed in zip(*made, strict=True):
        assert "onset" not in task.parameters
        assert delayed.parameters == task.parameters | {"onset": 10}
        assert delayed.gains == task.gains


@pytest.mark.parametrize("family", FAMILIES)
def test_a_demonstration_tells_nothing_of_the_gains(family):
    task = next(t for t in FAULTY.tasks(fields.SPLIT_TRAIN) if t.family == family)
    sound = dataclasses.replace(task, gains=())
    shown, plain = (
        _demo(FAULTY.demonstration_scenes(t)[0], noise=0.15) for t in (task, sound)
    )
    for name, array in plain.steps.items():
        np.testing.assert_array_equal(shown.steps[name], array)
    assert shown.metadata[fields.HIDDEN_GAINS] == task.gains
    assert fields.HIDDEN_GAINS not in plain.metadata
    validate(shown, episode_spec(3, hidden_gains=True))
    validate(plain, episode_spec(3))


@pytest.mark.parametrize("family", FAMILIES)
def test_who_knows_the_gains_solves_the_task(family):
    for i, signs in enumerate(((1, -1), (-1, 1), (-1, -1))):
        gains = (1.9 * signs[0], 1.2 * signs[1], 1.0, 1.0, 1.0)
        wanted = request(SceneConfig(_task(family, gains), 40 + i, i), seed=i)
        assert demonstrate(wanted, attempts=1)
    # The commands of nominal actuators fail with these gains.
    env = Manipulation(SceneConfig(_task(family, gains), 42, 2))
    episode = _demo(SceneConfig(_task(family, ()), 42, 2))
    env.reset()
    for action in episode.steps[fields.ACTION][:-1]:
        timestep = env.step(action)
    assert timestep.reward == 0


def test_gains_are_drawn_per_task_as_asked():
    faults = ActuatorGainDistribution(("x", "yaw"), (1.0, 2.0), 0.25)
    suite = TaskDistribution(
        train_object_sets=400, train_tasks=400, motor_faults=faults
    )
    gains = np.array([task.gains for task in suite.tasks(fields.SPLIT_TRAIN)])
    assert (gains[:, [1, 2, 4]] == 1).all()
    drawn = gains[:, [0, 3]]
    assert np.abs(drawn).min() >= 1 and np.abs(drawn).max() <= 2
    assert len(np.unique(drawn)) == drawn.size
    assert 0.2 < (drawn < 0).mean() < 0.3
    # No other draw has changed.
    sound = dataclasses.replace(suite, motor_faults=None)
    for split in fields.SPLITS:
        for task, other in zip(suite.tasks(split), sound.tasks(split), strict=True):
            assert dataclasses.replace(task, gains=()) == other


@pytest.mark.parametrize(
    "wrong, named",
    (
        ({"axes": ()}, "names no axis"),
        ({"axes": ("x", "elbow")}, "'elbow'; the robot has x, y, z, yaw, finger"),
        ({"scale": (0.0, 1.0)}, "above 0"),
        ({"scale": (2.0, 1.0)}, "smallest and the largest"),
        ({"flipped": 1.5}, "probability"),
    ),
)
def test_impossible_faults_are_refused(wrong, named):
    with pytest.raises(UserError, match=named):
        TaskDistribution(motor_faults=ActuatorGainDistribution(**wrong)).tasks(
            fields.SPLIT_TRAIN
        )


@pytest.fixture(scope="module")
def demos():
    """Two tasks that differ by their gains alone, each in two scenes."""
    played = []
    for gains in ((-1.5, 1.0, 1.0, 1.0, 1.0), (2.0, -1.0, 1.0, 1.0, 1.0)):
        task = _task("grasp", gains)
        task = dataclasses.replace(task, index=int(gains[0] > 0))
        for scene_config in FAULTY.demonstration_scenes(task, 2):
            played.append(_demo(scene_config, len(played)))
    return stack(played)


def test_tasks_of_other_gains_are_other_tasks(demos):
    index = relabel.EntityRelabeller(demos, LAYOUT).index
    assert index.task.tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize("with_trials", (False, True))
def test_what_is_imitated_is_the_motion(demos, with_trials):
    """Commanded under the gains, targets move as the demonstration did."""
    trials = None
    if with_trials:  # of other motors than those of the demonstration
        parents = [(name,) for name in np.roll(demos[fields.EPISODE_ID], 3)]
        gains = demos[fields.HIDDEN_GAINS] * np.float32([1, 1, -1, 1, 1])
        known = {fields.PARENT_DEMO_IDS: parents, fields.HIDDEN_GAINS: gains}
        trials = dataclasses.replace(demos, metadata=dict(demos.metadata) | known)
    draws = relabelled.sampler(demos, LAYOUT, identity_share=0.6, trials=trials)
    with pytest.raises(ValueError, match="have 5 hidden .* suite has 0; collect"):
        sound = config_for("mil", SOUND)
        examples.ExampleSource(demos, demos, trials, draws, sound, 8)
    config = config_for("wtl" if with_trials else "mil", FAULTY)
    source = examples.ExampleSource(demos, demos, trials, draws, config, 8)
    rows = source.draw(seeding.generator(0), 64)
    example = source.gather(rows)
    wanted = tf.gather_nd(
        demos.action, np.stack([np.repeat(rows.target[:, None], 8, 1), rows.times], -1)
    )
    wanted = augmentation.apply_to_actions(rows.symmetry, wanted, LAYOUT)
    acting = trials if with_trials else demos
    gains = acting[fields.HIDDEN_GAINS][
        rows.trials[:, 0] if with_trials else rows.target
    ]
    assert (rows.symmetry.mirror < 0).any() and (gains[:, 0] < 0).any()
    moved = np.stack(
        [
            [actuator_gains.motion(command, g) for command in commands]
            for commands, g in zip(example.action.numpy(), gains, strict=True)
        ]
    )
    np.testing.assert_allclose(moved, wanted, atol=1e-6)
    np.testing.assert_allclose(example.context.privileged.hidden, gains)
