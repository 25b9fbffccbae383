"""A session as its operator meets it, without a browser and without waiting."""

import dataclasses
import multiprocessing

import numpy as np
import pytest
from driven import EAST, Driven, plan_items
from key_operator import press

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop import attempt
from wtl.collection.teleop.interface import IDLE, Command
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.policy_driver import PolicyDriver
from wtl.collection.teleop.session import Phase
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import instruction, teleop
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError


@pytest.fixture
def driven(tmp_path):
    with Driven(tmp_path / "staged") as made:
        yield made


@pytest.mark.parametrize("family", ["press", "grasp", "push"])
def test_keys_alone_solve_a_scene_and_the_episode_is_ordinary(tmp_path, family):
    with Driven(tmp_path, plan_items((family,))) as driven:
        item = driven.session.request
        driven.do("name", "ann")
        driven.solve()
        assert driven.session.status()["success"]
        driven.do("keep")
        (episode,) = driven.staged()
    assert len(episode) == tabletop_environment.HORIZON + 1
    assert episode.id == item.episode_id
    known = episode.metadata
    assert known[fields.DEMONSTRATOR] == "teleop:ann"
    assert known[fields.SUCCESS] and known[fields.ROLE] == "demo"
    assert "rate 10.00 Hz" in known[fields.NOTES]
    assert "FLAG" not in known[fields.NOTES]
    # Actions are executable: played again they give the same states to the bit.
    env = tabletop_environment.Manipulation(item.scene)
    again = attempt.replay(
        env,
        item.scene,
        episode.steps[fields.ACTION][:-1],
        episode_id=item.episode_id,
        role="demo",
    )
    for name in (fields.STATE, fields.PHYSICS_STATE, fields.REWARD):
        np.testing.assert_array_equal(again.steps[name], episode.steps[name])


def test_what_was_watched_is_what_is_stored(driven):
    driven.solve()
    live = driven.session.env.world.physics_state()
    driven.do("keep")
    (episode,) = driven.staged()
    np.testing.assert_array_equal(episode.steps[fields.PHYSICS_STATE][-1], live)


def test_the_world_waits_for_its_operator(driven):
    assert driven.hold(IDLE, 20) == 0
    assert driven.session.phase is Phase.READY
    assert driven.hold(EAST, 3) == 3
    moved = driven.session.env.world.gripper_pose.copy()
    assert driven.hold(IDLE, 20) == 0
    np.testing.assert_array_equal(driven.session.env.world.gripper_pose, moved)
    assert driven.hold(Command(wait=True), 2) == 2


def test_steps_come_at_the_control_rate_however_often_keys_are_told(driven):
    assert driven.hold(EAST, 100, every=0.01) == 10
    driven.do("speed", 0.25)
    assert 2 <= driven.hold(EAST, 100, every=0.01) <= 3


def test_a_tap_between_two_steps_is_one_step(driven):
    driven.hold(EAST, 1)
    for command in (IDLE, EAST, IDLE):
        driven.session.drive(command, driven.now - 0.05)
    assert driven.session.tick(driven.now)
    assert not driven.session.tick(driven.now + 0.2)


def test_a_hand_leads_axes_to_a_travel_and_no_further(driven):
    world = driven.session.env.world
    start = world.setpoint.copy()
    lead = Command(axes=(0.0, 0.25, 0.0, 0.0), lead=(1.5, None, -0.5, 0.3))
    # Faster than one stride per step is impossible; the other axis keeps its rate.
    assert driven.hold(lead, 2) == 2
    np.testing.assert_allclose(world.setpoint - start, (0.12, 0.04, -0.04, 0.15))
    assert driven.session.status()["travel"] == [1.5, 0.5, -0.5, 0.3]
    # There, time stands still, however long the hand is held there.
    there = Command(lead=(1.5, 0.5, -0.5, 0.3))
    assert driven.hold(there, 10) == 0
    assert driven.hold(Command(lead=(0.9, None, None, None)), 10) == 1
    assert driven.session.status()["travel"][0] == 0.9
    # In another attempt the hand must let go first, and travel starts anew.
    driven.session.do("redo")
    assert driven.hold(lead, 5) == 0
    assert driven.session.status()["travel"] == [0, 0, 0, 0]
    driven.hold(IDLE, 1)
    assert driven.hold(there, 10) == 2


def test_a_lost_operator_lets_go(driven):
    driven.session.drive(EAST, driven.now)
    made = sum(driven.session.tick(driven.now + 0.1 * i) for i in range(50))
    assert 4 <= made <= 6


def test_fingers_take_their_time_without_a_key_held(driven):
    driven.session.drive(Command(latch=-1.0), driven.now)
    driven.session.drive(IDLE, driven.now)
    made = sum(driven.session.tick(driven.now + 0.1 * i) for i in range(10))
    assert made == 3
    assert driven.session.env.world.finger_gap > 0.07


def test_a_slow_loop_is_flagged(driven):
    item = driven.session.request
    while driven.session.phase in (Phase.READY, Phase.ACTING):
        pressed = press("press", driven.session.env.world, item.scene.target)
        driven.hold(pressed.command, 1, every=0.11)
    driven.do("keep")
    notes = driven.staged()[0].metadata[fields.NOTES]
    assert "rate 9.09 Hz" in notes and "FLAG control rate" in notes


def test_redo_starts_the_same_scene_again(driven):
    start = driven.session.env.world.physics_state()
    driven.hold(EAST, 5)
    driven.do("redo")
    assert driven.session.phase is Phase.READY
    np.testing.assert_array_equal(driven.session.env.world.physics_state(), start)
    assert driven.hold(IDLE, 5) == 0


def test_a_key_still_held_does_not_reach_into_the_next_scene(driven):
    driven.hold(EAST, 5)
    driven.session.do("redo")
    assert driven.hold(EAST, 5) == 0
    driven.hold(IDLE, 1)
    assert driven.hold(EAST, 5) == 5


def test_discarded_scenes_come_again_at_the_end(driven):
    first = driven.session.request
    driven.do("discard")
    seen = []
    while driven.session.request is not first:
        seen.append(driven.session.request.episode_id)
        driven.solve()
        driven.do("keep")
    assert len(seen) == 5
    driven.solve()
    driven.do("keep")
    assert driven.session.phase is Phase.COMPLETE
    driven.refuse("redo", "Everything is recorded")


def test_the_picture_moves_between_control_steps(driven):
    def tip(now):
        session = driven.session
        return session.env.world.tip_of(session.state(now)).copy()

    start = tip(driven.now)
    driven.hold(EAST, 1)
    stepped = driven.now - 0.1
    places = [tip(stepped + 0.1 * share)[0] for share in (0.0, 0.5, 1.0)]
    assert places[0] == start[0] < places[1] < places[2]
    assert places[1] == pytest.approx((places[0] + places[2]) / 2)
    end = driven.session.env.world.gripper_pose[0]
    assert places[2] == pytest.approx(end)


def test_a_drag_goes_where_it_points_and_rests_there(driven):
    goal = np.array([0.1, 0.05])
    height = driven.session.env.world.setpoint[2]
    at = tuple(teleop.WIDE.project(np.array([*goal, height])))
    driven.hold(Command(goal=at), 30)
    setpoint = driven.session.env.world.setpoint
    np.testing.assert_allclose(setpoint[:2], goal, atol=0.005)
    assert driven.session.status()["step"] < 15


def test_tasks_are_said_as_their_rules_mean_them():
    suite = TaskDistribution(train_object_sets=5, train_tasks=5, val_tasks=60)
    said = {}
    for task in suite.tasks("val"):
        scene_config = suite.demonstration_scenes(task)[0]
        said[task.family, task.rule.kind] = instruction.instruction(scene_config)
    assert said["push", RuleKind.POSITION] in {
        f"Push the {place} object against the grey block."
        for place in ("leftmost", "middle", "rightmost")
    }
    identity = said["press", RuleKind.IDENTITY]
    assert identity.startswith("Press the ") and identity.endswith(" button.")
    assert "most" not in identity
    task = suite.tasks(fields.SPLIT_TRAIN)[0]
    scene_config = task.scene(5, Rule(RuleKind.POSITION, 0))
    assert "(leftmost)" in instruction.instruction(scene_config)


@pytest.mark.parametrize(
    "rgb, name",
    [((0.54, 0.46, 0.09), "brown"), ((0.65, 0.5, 0.1), "brown")]
    + [((0.4, 0.45, 0.1), "olive"), ((0.5, 0.55, 0.2), "olive")],
)
def test_brown_is_not_called_olive(rgb, name):
    assert instruction._colour(rgb) == name


class Copilot:
    """A policy that always acts the same way, when it is ready."""

    policy_id = "c0ffee"

    def __init__(self, action):
        self.action = np.array(action, np.float32)
        self.begun, self.asked, self.ready = [], 0, True

    def begin(self, shown, observation):
        self.begun.append((shown, observation["state"].shape))

    def ask(self, observation):
        self.asked += 1

    def answer(self):
        return self.action if self.ready else None


def test_a_policy_drives_until_a_key_takes_over(tmp_path):
    (item, *_) = plan_items(("press",))
    shown = episodes.episode_id("wtl_demos", item.scene.task.task_id, "demo", 7, 7)
    items = [dataclasses.replace(item, demo_ids=(shown,))]
    copilot = Copilot([0.0, 0.0, 0.1, 0.0, 1.0])
    with Driven(tmp_path, items) as driven:
        driven.session = driven.new_session(Plan(items, ()), policy=copilot)
        driven.session.do("name", "ann")
        assert driven.session.status()["assist"] is False
        assert copilot.begun[0][0] == shown
        driven.do("assist", True)
        copilot.ready = False
        assert driven.hold(IDLE, 5) == 0  # the world waits for a policy too
        copilot.ready = True
        assert driven.hold(IDLE, 4) == 4
        assert copilot.asked == 5
        # The person takes over with a key, hands back, and takes over again.
        assert driven.hold(EAST, 2) == 2
        assert driven.session.status()["assist"] is False
        assert driven.hold(IDLE, 5) == 0
        driven.do("assist", True)
        assert driven.hold(IDLE, 3) == 3
        driven.solve()
        driven.do("keep")
        (episode,) = driven.staged()
    flags = episode.steps[fields.IS_INTERVENTION]
    np.testing.assert_array_equal(flags[:9], [False] * 4 + [True] * 2 + [False] * 3)
    assert flags[9:12].all() and not flags[-1]
    assert episode.metadata[fields.POLICY_ID] == "c0ffee"
    assert episode.metadata[fields.PARENT_DEMO_IDS] == (shown,)
    assert episode.metadata[fields.DEMONSTRATOR] == "teleop:ann"


def test_where_no_policy_is_none_can_drive(driven):
    assert driven.session.status()["assist"] is None
    driven.session.do("assist", True)
    assert driven.session.refused
    driven.solve()
    driven.do("keep")
    (episode,) = driven.staged()
    assert not episode.steps[fields.IS_INTERVENTION].any()
    assert episode.metadata[fields.POLICY_ID] == ""


@pytest.fixture
def trying(tmp_path):
    """A session of trials and retrials of a demonstration in another scene."""
    suite = TaskDistribution(train_object_sets=5, train_tasks=5)
    (task,) = [t for t in suite.tasks(fields.SPLIT_TRAIN) if t.family == "press"]
    shown, *_, tried = suite.demonstration_scenes(task)
    items = []
    for i in range(2):
        names = [
            episodes.episode_id("wtl_trials", task.task_id, role, i, i)
            for role in ("trial", "retrial")
        ]
        known = {"scene": tried, "demo_ids": ("demo",)}
        items.append(EpisodeRequest(episode_id=names[0], role="trial", **known))
        known |= {"trial_ids": (names[0],), "trial_index": 1}
        items.append(EpisodeRequest(episode_id=names[1], role="retrial", **known))
    env = tabletop_environment.Manipulation(shown)
    film = np.stack([env.reset() and env.world.physics_state()] * 8)
    with Driven(tmp_path / "staged", items) as made:
        shown = {"demo": film}.get
        made.session = made.new_session(Plan(items, ()), demonstration=shown)
        yield made


def test_a_trial_is_shown_what_to_do_and_told_how_it_ended(trying):
    session = trying.session
    assert session.phase is Phase.SHOWING
    assert trying.hold(EAST, 3) == 0
    session.state(trying.now)
    session.state(trying.now + 0.5)
    assert session.phase is Phase.SHOWING
    session.state(trying.now + 1)
    assert session.phase is Phase.READY
    told = session.status()
    assert "button" not in told["task"] and told["family"] == ""
    assert told["success"] is None and not session.names_target
    trial, retrial = session.request, None
    # A failure is kept like a success: that is what a trial is for.
    trying.hold(IDLE, 1)
    trying.hold(EAST, 3)
    trying.do("keep")
    assert session.message == "Kept. It was a failure."
    retrial = session.request
    assert retrial.trial_ids == (trial.episode_id,)
    assert session.phase is Phase.READY
    trying.solve()
    assert session.status()["success"] is True
    trying.do("keep")
    assert session.message == "Kept. It was a success."
    first, second = trying.staged()
    assert first.metadata[fields.ROLE] == "trial"
    assert not first.metadata[fields.SUCCESS]
    assert first.metadata[fields.PARENT_DEMO_IDS] == ("demo",)
    assert second.metadata[fields.ROLE] == "retrial"
    assert second.metadata[fields.PARENT_TRIAL_IDS] == (first.id,)
    assert second.metadata[fields.TRIAL_INDEX] == 1


def test_a_retrial_never_comes_before_its_trial(trying):
    trial = trying.session.request
    trying.do("discard")
    seen = []
    while trying.session.request is not None:
        seen.append(trying.session.request)
        trying.session.do("show")  # skips the film, where there is one
        if trying.session.phase is Phase.SHOWING:
            trying.session.do("show")
        trying.hold(EAST, 2)
        trying.do("keep")
    assert [item.role for item in seen] == ["trial", "retrial"] * 2
    assert seen[2] is trial


def test_an_answer_to_what_was_asked_before_is_void():
    ours, theirs = multiprocessing.Pipe()
    theirs.send(("c0ffee", None))
    pilot = PolicyDriver(ours)
    assert pilot.policy_id == "c0ffee"
    pilot.begin("demo", {})
    for _ in range(2):
        pilot.ask({"state": np.zeros(3)})
    theirs.send((1, "stale"))
    assert pilot.answer() is None
    theirs.send((2, "fresh"))
    assert pilot.answer() == "fresh"
    theirs.close()
    with pytest.raises(UserError, match="policy's process died"):
        pilot.answer()


def test_a_policy_that_can_not_be_loaded_says_so():
    ours, theirs = multiprocessing.Pipe()
    theirs.send(("", "no such file"))
    with pytest.raises(UserError, match="can't assist: no such file"):
        PolicyDriver(ours)


def test_the_plan_can_be_replaced_at_any_time(tmp_path):
    with Driven(tmp_path, [], ()) as driven:
        session = driven.session
        assert session.phase is Phase.COMPLETE
        first, second = plan_items(("press",))
        session.record(first)
        driven.hold(EAST, 3)
        session.record(second)  # what was begun is lost
        assert session.request is second and session.phase is Phase.READY
        driven.hold(IDLE, 1)
        driven.solve()
        driven.do("keep")
        assert session.phase is Phase.COMPLETE
        assert [e.id for e in driven.staged()] == [second.episode_id]
        session.record(first)
        session.record()
        assert session.phase is Phase.COMPLETE
