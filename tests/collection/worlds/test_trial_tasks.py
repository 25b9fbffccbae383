"""Tasks that are learnt from trials: point robots, and those of the tabletop."""

import dataclasses

import cart_module
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection import trials, vector_environment
from wtl.collection.random_actor import RandomActor
from wtl.collection.task_pool import Attempt
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.tabletop.trial_tasks import TabletopTasks
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.errors import UserError
from wtl.training.meta_learner import draw_attempts

SUITE = TaskDistribution(train_object_sets=5, train_tasks=5, val_tasks=5)


class Walker:
    """Agent that goes straight to a place; it keeps the rewards it observed."""

    def __init__(self, place):
        self.place = np.asarray(place)
        self.rewards, self.learnt = [], []

    def begin(self, seeds):
        self.seeds = seeds

    def act(self, observation, reward):
        self.rewards.append(reward)
        return (self.place - observation) / 0.1

    def learn(self, trial):
        self.learnt.append(trial)


def _goal(robots, task):
    """Where the goal is, found from three distances."""
    here = np.array([[0.0, 0.0]])
    places = [here]
    robots.reset([Attempt(task)])
    for action in ([1, 0], [0, 1], [-1, 0]):
        places.append(places[-1] + 0.1 * np.array([action]))
    robots.reset([Attempt(task)])
    far = [
        -robots.step(np.array([action])).reward[0, 0]
        for action in ([1, 0], [0, 1], [-1, 0])
    ]
    p, q, r = (place[0] for place in places[1:])
    # Differences of squared distances are linear in the goal.
    matrix = 2 * np.stack([q - p, r - p])
    square = [np.sum(x**2) - d**2 for x, d in zip((p, q, r), far, strict=True)]
    return np.linalg.solve(matrix, [square[1] - square[0], square[2] - square[0]])


def test_goals_lie_on_the_half_circle_and_splits_differ():
    train = PointRobots("train", 12, 0, sparse=False)
    goals = np.array([_goal(train, i) for i in range(12)])
    np.testing.assert_allclose(np.linalg.norm(goals, axis=1), 1, atol=1e-4)
    assert (goals[:, 1] > 0).all() and goals[:, 0].min() < 0 < goals[:, 0].max()
    test = PointRobots("test", 12, 0, sparse=False)
    others = np.array([_goal(test, i) for i in range(12)])
    assert np.abs(goals - others).max(axis=1).min() > 1e-4
    again = PointRobots("train", 3, 0, sparse=False)  # fewer tasks, the same goals
    np.testing.assert_allclose(_goal(again, 2), goals[2], atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_going_straight_to_the_goal_is_best(sparse):
    robots = PointRobots("train", 4, 0, sparse=sparse)
    best = robots.best_return()
    goals = np.array([_goal(robots, i) for i in range(4)])
    attempts = [Attempt(i) for i in range(4)]
    (straight,) = trials.play(robots, Walker(goals), attempts, range(4), 1)
    np.testing.assert_allclose(
        straight.observed_reward.sum(axis=(1, 2)), best, atol=1e-3
    )
    assert straight.success.all()
    aside = goals + [0.0, 0.15]
    (near,) = trials.play(robots, Walker(aside), attempts, range(4), 1)
    assert near.success.all() and (near.observed_reward.sum(axis=(1, 2)) < best).all()


def test_sparse_rewards_are_zero_far_from_the_goal_and_dense_ones_are_not():
    robots = PointRobots("train", 4, 0, sparse=True)
    away = Walker(np.tile([0.0, -1.0], (4, 1)))
    (trial,) = trials.play(robots, away, [Attempt(i) for i in range(4)], range(4), 1)
    assert (trial.observed_reward == 0).all() and not trial.success.any()
    assert (trial.reward < -0.9).all()


def test_the_last_reward_is_observed_also_across_trials():
    robots = PointRobots("train", 2, 0, sparse=False)
    agent = Walker(np.zeros((2, 2)))
    played = trials.play(robots, agent, [Attempt(0), Attempt(1)], [1, 2], 2)
    assert (agent.rewards[0] == 0).all() and len(agent.learnt) == 2
    np.testing.assert_array_equal(agent.rewards[1], played[0].observed_reward[:, 0, 0])
    np.testing.assert_array_equal(
        agent.rewards[20], played[0].observed_reward[:, -1, 0]
    )


def test_random_actors_find_sparse_goals_and_are_a_function_of_their_seeds():
    robots = PointRobots("train", 200, 0, sparse=True, radius=0.3)
    attempts = [Attempt(i) for i in range(200)]
    first, second = trials.play(robots, RandomActor(2), attempts, range(200), 2)
    hit = (first.observed_reward > 0).any(axis=(1, 2))
    assert 0.02 < hit.mean() < 0.5
    again = trials.play(robots, RandomActor(2), attempts, range(200), 2)[1]
    np.testing.assert_array_equal(again.action, second.action)
    turned = np.abs(first.action.mean(axis=1) - second.action.mean(axis=1))
    assert np.median(turned) > 0.3


def test_every_task_comes_up_before_any_comes_up_again():
    robots = PointRobots("train", 7, 0, sparse=False)
    drawn = [draw_attempts(robots, 3, 5, number) for number in range(7)]
    tasks = [attempt.task for attempts, _ in drawn for attempt in attempts]
    for turn in range(3):
        assert sorted(tasks[7 * turn : 7 * turn + 7]) == list(range(7))
    seeds = [seed for _, seeds in drawn for seed in seeds]
    assert len(set(seeds)) == len(seeds)
    assert draw_attempts(robots, 3, 5, 4) == drawn[4]


class Replayer:
    """Does what was demonstrated."""

    def __init__(self, actions):
        self._actions = actions

    def begin(self, seeds):
        self._step = 0

    def act(self, observation, reward):
        self._step += 1
        return self._actions[:, self._step - 1]

    def learn(self, trial):
        pass


def test_what_a_trial_achieved_counts_for_the_goal_it_achieved():
    """Demonstrations replayed under another goal fail, with success for their own."""
    tasks = SUITE.tasks("train")
    assert {task.family for task in tasks} >= {"press", "grasp", "push"}
    target = 1
    scenes, actions = [], []
    for task in tasks:
        scene_config = SceneConfig(task, SUITE.scene_seed(task, "demo", 0), target)
        episode = demonstrate(request(scene_config, "x"))
        scenes.append((task, scene_config.scene_seed))
        actions.append(episode.steps["action"][:-1])
    with vector_environment.ProcessVectorEnvironment(1) as pool:
        tasks_at_once = TabletopTasks(pool, scenes)
        assert (tasks_at_once.tasks, tasks_at_once.goals) == (5, 3)
        shaped = TabletopTasks(pool, scenes, shaped=True)
        dense = trials.play(
            shaped,
            Replayer(np.stack(actions)),
            [Attempt(i) for i in range(5)],
            range(5),
            1,
        )[0]
        progress = (dense.reward - dense.observed_reward).sum(axis=1)
        assert (progress[:, target] > 0.1).all()
        assert (progress.argmax(axis=1) == target).all()
        assert ((dense.observed_reward == 0) | (dense.observed_reward == 1)).all()
        for goal in (target, 2):
            attempts = [Attempt(i, goal) for i in range(5)]
            (trial,) = trials.play(
                tasks_at_once, Replayer(np.stack(actions)), attempts, range(5), 1
            )
            assert trial.success[:, target].all()
            assert trial.success.sum() == 5
            of_goal = trial.of_goal(np.full(5, goal))
            assert of_goal.success.all() == (goal == target)
            assert (trial.observed_reward[:, :-1] == 0).all()
            np.testing.assert_array_equal(
                of_goal.observed_reward[:, -1], of_goal.success
            )


class Driver:
    """Agent that drives as far as it can, forwards or backwards; it keeps rewards."""

    def __init__(self, ways):
        self._ways, self.rewards = np.array(ways)[:, None], []

    def begin(self, seeds):
        pass

    def act(self, observation, reward):
        self.rewards.append(reward)
        return 3.0 * self._ways  # clipped

    def learn(self, trial):
        pass


def test_plain_worlds_reward_each_step_and_tell_success_at_the_end():
    world = registry.get("carts")
    task = dataclasses.replace(cart_module.tasks("test", 0, 1)[0], domain="carts")
    sound = dataclasses.replace(task, parameters={"onset": 0, "gain": 1.0})
    faulty = dataclasses.replace(task, parameters={"onset": 3, "gain": -1.0})
    with vector_environment.ProcessVectorEnvironment(2) as pool:
        carts = world.trial_tasks(pool, [(sound, 1), (faulty, 1)])
        driver = Driver([1, -1, 1])
        attempts = [Attempt(0), Attempt(0), Attempt(1)]
        first, again = trials.play(carts, driver, attempts, [0, 1, 2], 2)
    assert first.observation.shape == (3, carts.horizon + 1, 2)
    np.testing.assert_allclose(first.reward[0, :-1, 0], 0.5, atol=1e-6)
    np.testing.assert_allclose(first.reward[1, :-1, 0], -0.5, atol=1e-6)
    np.testing.assert_allclose(first.reward[2, :3, 0], 0.5, atol=1e-6)
    np.testing.assert_allclose(first.reward[2, 3:-1, 0], -0.5, atol=1e-6)
    assert first.success[:, 0].tolist() == [True, False, False]
    np.testing.assert_array_equal(first.reward[:, -1], first.success)
    np.testing.assert_array_equal(first.observed_reward, first.reward)
    np.testing.assert_array_equal(first.observation, again.observation)
    np.testing.assert_array_equal(driver.rewards[1], first.reward[:, 0, 0])


def test_progress_is_not_known_in_plain_worlds():
    with pytest.raises(UserError, match="shaped: progress in 'half_cheetah'"):
        registry.get("half_cheetah").trial_tasks(None, [], shaped=True)
