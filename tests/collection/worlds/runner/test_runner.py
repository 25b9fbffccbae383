"""Runners: physics of their faults, tasks of the splits, and what is documented."""

import pathlib

import numpy as np
import pytest

from wtl.collection.worlds import registry, runner
from wtl.collection.worlds.runner import environment, fault
from wtl.collection.worlds.runner.body import HALF_CHEETAH, QUADRUPED
from wtl.collection.worlds.runner.fault import Fault
from wtl.datasets.contract import fields

_PAGE = pathlib.Path(__file__).resolve().parents[4] / "docs/worlds/runner.md"
every_runner = pytest.mark.parametrize("name", ("half_cheetah", "quadruped"))


def _play(made: environment.Runner, steps: int, action=None) -> np.ndarray:
    """States [steps + 1, S] under random actions, or a constant one."""
    rng = np.random.default_rng(5)
    states = [made.reset().observation[fields.STATE]]
    for _ in range(steps):
        drawn = rng.uniform(-1, 1, made.action_spec().shape)
        drawn = drawn if action is None else action
        states.append(made.step(drawn).observation[fields.STATE])
    return np.stack(states)


@pytest.mark.parametrize("name", runner.WORLDS)
def test_the_same_seed_gives_the_same_episode(name):
    world = registry.get(name)
    (task,) = world.tasks(fields.SPLIT_TRAIN, 0, count=1)

    def play(seed):
        env, rng = world.open(task.scene(seed)), np.random.default_rng(0)
        states = [env.reset().observation[fields.STATE]]
        for _ in range(60):
            action = rng.uniform(-1, 1, world.spec.action.shape)
            states.append(env.step(action).observation[fields.STATE])
        return np.stack(states)

    np.testing.assert_array_equal(play(1), play(1))
    assert np.abs(play(1) - play(2)).max() > 0.01


@every_runner
def test_rewards_follow_from_states_and_actions(name):
    world = registry.get(name)
    (task,) = world.tasks(fields.SPLIT_TRAIN, 0, count=1)
    env = world.open(task.scene(1))
    before = env.reset().observation[fields.STATE]
    for action in np.random.default_rng(0).uniform(-1, 1, (20, len(world.spec.axes))):
        step = env.step(action)
        after = step.observation[fields.STATE]
        given = np.float32(action)
        assert world.reward(before, given, after) == pytest.approx(step.reward)
        assert world.ends(after) == step.last()
        before = after


@every_runner
def test_held_out_faults_never_occur_in_training(name):
    world = registry.get(name)
    tasks = {s: world.tasks(s, 3, count=200) for s in fields.SPLITS}
    assert {t.family for t in tasks["test"]} == set(fault.KINDS)

    def failing(split):
        return {i for t in tasks[split] for i in t.parameters["disabled"]}

    assert not failing("train") & failing("val")
    assert not (failing("train") | failing("val")) & failing("test")
    for kind in fault.RANGES:
        size = {
            split: [
                abs(t.parameters[kind] - getattr(Fault(), kind))
                for t in tasks[split]
                if t.family == kind
            ]
            for split in fields.SPLITS
        }
        assert max(size["train"]) < min(size["val"]) <= max(size["val"])
        assert max(size["val"]) < min(size["test"])
    for task in tasks["test"]:
        assert 100 <= task.parameters["onset"] < 250
        assert task.hidden[0] == task.parameters["onset"] and any(task.hidden[1:])


def test_a_disabled_actuator_has_no_effect_from_its_onset():
    def play(disabled_action, onset):
        made = environment.Runner(HALF_CHEETAH, Fault(onset, disabled=(1,)), seed=0)
        action = np.array([0.3, disabled_action, 0.1, 0, 0.2, 0])
        return _play(made, 20, action)

    np.testing.assert_array_equal(play(-1.0, 0), play(1.0, 0))
    late = play(-1.0, 10), play(1.0, 10)
    assert np.abs(late[0][1] - late[1][1]).max() > 0.01


@pytest.mark.parametrize(
    "changed", [{"slope": 0.3}, {"payload": 0.7}, {"gravity": 0.6}, {"disabled": (2,)}]
)
def test_a_fault_changes_nothing_before_its_onset(changed):
    sound = _play(environment.Runner(HALF_CHEETAH, Fault(onset=10**6), 0), 30)
    faulty = _play(environment.Runner(HALF_CHEETAH, Fault(10, **changed), 0), 30)
    np.testing.assert_array_equal(sound[:11], faulty[:11])
    assert np.abs(sound[11:] - faulty[11:]).max() > 1e-3


def test_a_disabled_leg_of_the_quadruped_does_not_move_by_its_commands():
    def play(of_leg):
        made = environment.Runner(QUADRUPED, Fault(disabled=(3, 4, 5)), seed=0)
        action = np.full(12, 0.3)
        action[3:6] = of_leg
        states = _play(made, 20, action)
        return states[:, :-12]  # but the setpoints, which are commands delayed

    np.testing.assert_array_equal(play(-1.0), play(1.0))


def test_commands_of_the_quadruped_reach_the_limits_of_its_model():
    made = environment.Runner(QUADRUPED, Fault(onset=10**6), seed=0)
    for bound, limit in ((-1, (-1, -1, -0.8)), (1, (1, 1.1, 0.8))):
        setpoints = _play(made, 100, np.full(12, bound))[-1][-12:]
        np.testing.assert_allclose(setpoints, limit * 4, atol=1e-3)


def test_an_uphill_slope_and_a_payload_pull_a_body_that_does_nothing():
    def end(**changed):
        made = environment.Runner(HALF_CHEETAH, Fault(**changed), 0)
        return _play(made, 40, np.zeros(6))[-20:].mean(axis=0)

    level, height = end(), 1
    assert end(payload=0.7)[height] < level[height] - 0.005
    # Friction of 0.4 holds the body on level ground, but not on a slope of 0.6 rad.
    assert abs(level[environment.FORWARD]) < 0.1
    assert end(slope=0.6)[environment.FORWARD] < -0.2


@pytest.mark.parametrize("runner", [HALF_CHEETAH, QUADRUPED])
def test_running_upside_down_earns_nothing(runner):
    made = environment.Runner(runner, Fault(onset=10**6), 0)
    state = made.reset().observation[fields.STATE]
    idle = np.zeros(len(runner.actuators))
    state[environment.FORWARD] = 2.0
    assert state[runner.upright] == pytest.approx(1, abs=0.02)
    assert environment.reward(runner, None, idle, state) == pytest.approx(2, rel=0.01)
    state[runner.upright] = -1
    assert environment.reward(runner, None, idle, state) == 0


def test_the_same_motion_earns_the_opposite_in_the_other_direction():
    world = registry.get("half_cheetah_direction")
    tasks = world.tasks(fields.SPLIT_TEST, 0, count=2)
    assert {task.family for task in tasks} == {"forward", "backward"}
    rewards = {}
    for task in tasks:
        env = world.open(task.scene(1))
        env.reset()
        rng, cost = np.random.default_rng(2), HALF_CHEETAH.control_cost
        rewards[task.family] = []
        for _ in range(5):
            action = np.float32(rng.uniform(-1, 1, 6))
            without_cost = env.step(action).reward + cost * (action**2).sum()
            rewards[task.family].append(without_cost)
    assert np.abs(rewards["forward"]).min() > 1e-3
    backward = -np.array(rewards["backward"])
    np.testing.assert_allclose(rewards["forward"], backward, atol=1e-5)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_success_is_to_run_in_the_direction_of_the_task(direction):
    made = environment.Runner(HALF_CHEETAH, Fault(onset=10**6), 0, direction)
    made.reset()
    made._physics.data.qvel[0] = 4 * direction
    made.step(np.zeros(6))
    assert made.succeeded()
    made._direction = -direction
    made.reset()
    made._physics.data.qvel[0] = 4 * direction
    made.step(np.zeros(6))
    assert not made.succeeded()


def test_success_is_to_run_at_the_least_speed():
    made = environment.Runner(HALF_CHEETAH, Fault(onset=10**6), 0)
    _play(made, 20, np.zeros(6))
    assert not made.succeeded()


@pytest.mark.parametrize("runner", [HALF_CHEETAH, QUADRUPED])
def test_an_episode_ends_at_a_fall_without_success(runner):
    made = environment.Runner(runner, Fault(onset=10**6), 0)
    made.reset()
    idle = np.zeros(len(runner.actuators))
    assert not made.step(idle).last()
    made._upright_speeds = 1e3  # fast enough until then
    assert made.succeeded()
    posture = made._physics.data.qpos
    if runner is HALF_CHEETAH:
        posture[2] = np.pi  # the pitch
    else:
        posture[3:7] = 0, 1, 0, 0  # half a turn about the axis x
    step = made.step(idle)
    assert step.last() and step.discount == 0
    assert not made.succeeded()
    name = "half_cheetah" if runner is HALF_CHEETAH else "quadruped"
    assert registry.get(name).ends(step.observation[fields.STATE])


@every_runner
def test_rehearsals_earn_what_the_same_actions_earn(name):
    body = {"half_cheetah": HALF_CHEETAH, "quadruped": QUADRUPED}[name]
    broken = Fault(onset=5, disabled=(0, 3), slope=0.2)
    made = environment.Runner(body, broken, 0)
    _play(made, 8)
    actions = np.random.default_rng(1).uniform(-1, 1, (2, 6, len(body.actuators)))
    found = {sound: made.rehearse(actions, not sound)[0] for sound in (False, True)}
    np.testing.assert_array_equal(made.rehearse(actions, True)[0], found[False])
    assert np.abs(found[True] - found[False]).max() > 0.01
    rewards = [made.step(action).reward for action in actions[1]]
    np.testing.assert_allclose(found[False][1], rewards, atol=1e-5)


def test_a_rehearsal_earns_nothing_after_a_fall():
    made = environment.Runner(HALF_CHEETAH, Fault(onset=10**6), 0)
    made.reset()
    made._physics.data.qpos[1:3] = 1, np.pi / 2 - 0.01  # in the air, about to turn over
    made._physics.data.qvel[2] = 4
    made._physics.forward()
    earned, ends = (of[0] for of in made.rehearse(np.full((1, 4, 6), 0.5), True))
    assert earned[0] != 0 and (earned[1:] == 0).all()
    np.testing.assert_array_equal(ends, [True, False, False, False])


@every_runner
def test_every_number_of_state_and_action_is_documented(name):
    world, text = registry.get(name), _PAGE.read_text()
    (state,) = world.spec.observation.values()
    assert f"vector of {state.shape[0]} numbers" in text
    assert all(f"`{axis}`" in text for axis in world.spec.axes)
    assert f"Control rate {world.spec.control_hz:g} Hz" in text
    assert f"Horizon {world.spec.horizon} control steps" in text


@every_runner
def test_postures_are_those_of_the_physics(name):
    body = {"half_cheetah": HALF_CHEETAH, "quadruped": QUADRUPED}[name]
    made = environment.Runner(body, Fault("gravity", 10), 3)
    states = _play(made, 25)
    physics = environment.compiled(body)
    physics.data.qpos[:] = body.postures(states)[-1]
    physics.forward()
    drawn, played = (
        # Without the ground, and from the torso: a side view shows no way sideways.
        each.data.geom_xpos[1:] - each.data.xpos[made._torso]
        for each in (physics, made._physics)
    )
    np.testing.assert_allclose(drawn, played, atol=1e-5)
    np.testing.assert_allclose(
        physics.data.xpos[made._torso, 2], made._physics.data.xpos[made._torso, 2]
    )


@every_runner
def test_a_drawing_shows_the_body_and_how_far_it_runs(name):
    layout = registry.get(name).encoder(1)
    body = layout.body
    made = environment.Runner(body, Fault("gravity", 10), 3)
    states = _play(made, 30)
    states[:, environment.FORWARD] = 2.0  # m/s
    drawn = layout.drawing.scene(states, layout)
    limbs = [shape for shape in drawn.shapes if shape.kind in ("capsule", "disc")]
    assert len(limbs) == {"half_cheetah": 8, "quadruped": 17}[name]
    assert all(np.abs(limb.position[:, 0]).max() < drawn.width / 2 for limb in limbs)
    marks = [shape for shape in drawn.shapes if shape.visible is not None]
    moved = np.diff(marks[2].position[:, 0])
    assert np.isclose(moved, -2.0 / body.control_hz).sum() >= len(moved) - 1
    broken = states.copy()
    broken[1, 0], broken[2:] = np.inf, np.nan
    for shape in layout.drawing.scene(broken, layout).shapes:
        assert np.isfinite(shape.position).all()
    long = layout.drawing.scene(np.tile(states, (20, 1)), layout)
    assert len(long.shapes[-1].position) <= 250
