"""Training of meta-reinforcement learning by rounds of trials."""

import numpy as np
import pytest

from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.policies.encoders import view as views
from wtl.policies.promp.config import PrompConfig
from wtl.policies.rl2.config import Rl2Config
from wtl.training import meta_learning
from wtl.training.promp_learner import PrompLearner
from wtl.training.rl2_learner import Rl2Learner

_RL2 = Rl2Config(memory=8, hidden=(8,), tasks_per_round=4, trials_per_task=2, epochs=2)
_PROMP = PrompConfig(
    hidden=(8,), tasks_per_round=4, pre_trials=2, trials_per_task=3, epochs=2
)


@pytest.mark.parametrize(
    ("learner_type", "config"),
    [
        pytest.param(Rl2Learner, _RL2, marks=pytest.mark.slow),
        (PrompLearner, _PROMP),
    ],
)
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    learner_type, config, tmp_path
):
    pool = PointRobots("train", 6, 0, sparse=False)

    def train(folder, steps, evaluations):
        learner = learner_type(
            *(views.flat_view(2, 2), config, pool, steps),
            seed=0,
            directory=tmp_path / folder,
        )
        meta_learning.train(
            learner,
            pool,
            log_dir=tmp_path / folder / "logs",
            evaluate=lambda agent: {},
            evaluations=evaluations,
            name="test",
        )
        return [variable.numpy() for variable in learner.network.variables]

    per_round = config.tasks_per_round * config.trials_per_task * 20
    whole = train("whole", 4 * per_round, 2)
    train("parts", 2 * per_round, 1)
    for mine, theirs in zip(train("parts", 4 * per_round, 2), whole, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_rounds_between_points_of_the_curve_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(meta_learning, "_BETWEEN_CHECKPOINTS", 0.0)
    pool, per_round = PointRobots("train", 6, 0, sparse=False), 4 * 3 * 20
    played = []

    def train(stop=None):
        learner = PrompLearner(
            *(views.flat_view(2, 2), _PROMP, pool, 4 * per_round),
            seed=0,
            directory=tmp_path,
        )
        round_ = learner.round

        def interrupted(pool, number):
            if number == stop:
                raise KeyboardInterrupt
            played.append(number)
            return round_(pool, number)

        learner.round = interrupted
        return meta_learning.train(
            learner,
            pool,
            log_dir=tmp_path / "logs",
            evaluate=lambda agent: {},
            evaluations=1,
            name="test",
        )

    with pytest.raises(KeyboardInterrupt):
        train(stop=3)
    curve = train()
    assert played == [0, 1, 2, 3]
    assert [point["env_steps"] for point in curve] == [4 * per_round]
