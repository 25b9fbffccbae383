"""Slices of time: aligned, valid where the episode is; what models learn of them."""

import numpy as np
import pytest

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.foresight.config import (
    ANOTHER_TASK,
    NONE,
    RECURRENCE,
    ForesightConfig,
)
from wtl.policies.foresight.network import Foresight
from wtl.policies.legacy_keras import tf_keras
from wtl.training import foresight_training
from wtl.training.slices import SliceSource, adaptation_sizes, model_errors
from wtl.training.train_config import TrainConfig

_LAYOUT = PlainLayout(parts=((fields.STATE, 1),), actions=1)


def _config(**settings) -> ForesightConfig:
    made = {"hidden": (16,), "window": 4, "predicted": 3} | settings
    return ForesightConfig(layout=_LAYOUT, action_size=1, families=("one",), **made)


def _episodes(count: int, steps: int = 30, seed: int = 0) -> EpisodeStore:
    """Episodes in which the action moves the state, forwards or backwards."""
    rng = np.random.default_rng(seed)
    action = rng.uniform(-1, 1, (count, steps, 1)).astype(np.float32)
    sign = rng.choice([-1, 1], (count, 1, 1))
    state = np.cumsum(sign * action, axis=1) - sign * action
    return EpisodeStore(
        state=state.astype(np.float32),
        action=action,
        reward=np.zeros((count, steps), np.float32),
        length=np.full(count, steps, np.int32),
        metadata={fields.TASK_ID: np.array([f"task-{i}" for i in range(count)])},
    )


def test_slices_are_aligned_and_know_where_their_episode_begins():
    store, config = _episodes(3), _config()
    privileged = np.arange(3 * 30, dtype=np.float32).reshape(3, 30, 1)
    source = SliceSource(store, privileged, config)
    found = source.gather(np.array([[1, 10, 10], [2, 2, 2]], np.int32))
    np.testing.assert_array_equal(found.seen.observation[0], store.state[1, 6:10])
    np.testing.assert_array_equal(found.seen.next_observation[0], store.state[1, 7:11])
    np.testing.assert_array_equal(found.following.observation[0], store.state[1, 10:13])
    np.testing.assert_array_equal(found.following.action[0], store.action[1, 10:13])
    np.testing.assert_array_equal(found.privileged[0, :, 0], privileged[1, 10:13, 0])
    np.testing.assert_array_equal(found.seen.valid, [[1, 1, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_array_equal(found.seen.observation[1, 2:], store.state[2, :2])


def test_what_is_predicted_may_come_later():
    store = _episodes(3)
    store.length[:] = 30, 30, 12
    source = SliceSource(store, np.zeros((3, 30, 0), np.float32), _config(lag=8))
    rows = source.draw(np.random.default_rng(0), 5000)
    lag = rows[:, 2] - rows[:, 1]
    assert set(lag) == set(range(9))
    assert rows[rows[:, 0] == 2, 2].max() == 11 - 3
    found = source.gather(np.array([[1, 10, 15]], np.int32))
    np.testing.assert_array_equal(found.seen.observation[0], store.state[1, 6:10])
    np.testing.assert_array_equal(found.following.observation[0], store.state[1, 15:18])


def test_a_control_sees_the_episode_beside_until_it_ends():
    store = _episodes(3)
    store.length[:] = 30, 30, 12
    source = SliceSource(store, np.zeros((3, 30, 0), np.float32), _config())
    rows = np.array([[1, 10, 10], [0, 10, 10], [0, 13, 13]], np.int32)
    found = source.seen_beside(rows, np.array([2, 0, 1]))
    np.testing.assert_array_equal(found.observation[0], store.state[0, 6:10])
    np.testing.assert_array_equal(found.next_observation[1], store.state[2, 7:11])
    np.testing.assert_array_equal(
        found.valid, [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    )


def test_no_slice_reaches_beyond_its_episode():
    source = SliceSource(_episodes(3), np.zeros((3, 30, 0), np.float32), _config())
    rows = source.draw(np.random.default_rng(0), 2000)
    assert rows[:, 1].min() == 0 and rows[:, 1].max() == 29 - 3
    assert set(rows[:, 0]) == {0, 1, 2}


def test_slices_are_drawn_alike_from_episodes_of_any_length():
    store = _episodes(3)
    store.length[:] = 30, 3, 10  # 27, no and 7 slices of 3
    source = SliceSource(store, np.zeros((3, 30, 0), np.float32), _config())
    rows = source.draw(np.random.default_rng(0), 20_000)
    counts = np.bincount(rows[:, 0], minlength=3)
    np.testing.assert_allclose(counts / 20_000, [27 / 34, 0, 7 / 34], atol=0.01)
    assert rows[rows[:, 0] == 2, 1].max() == 6
    starts = np.array([4, 4, 9])
    found = model_errors(
        Foresight(_config()), store, np.zeros((3, 30, 0), np.float32), starts
    )
    assert [value is None for value in found["after"]] == [False, True, True]
    none = model_errors(
        Foresight(_config()), store, np.zeros((3, 30, 0), np.float32), starts + 30
    )
    assert none == {"before": [None] * 3, "after": [None] * 3}


@pytest.mark.parametrize(
    ("settings", "adapts"),
    [
        ({"steps": 0}, False),
        ({"steps": 1, "alpha": 0.1}, True),
        ({"steps": 1, "alpha": 0.1, "members": 2}, True),
        pytest.param(
            {"adapter": RECURRENCE, "units": 16}, True, marks=pytest.mark.slow
        ),
    ],
)
def test_only_models_that_adapt_predict_which_way_an_action_moves(
    settings, adapts, tmp_path
):
    config = _config(**settings)
    training = TrainConfig(steps=250, batch_size=32, learning_rate=1e-2)
    network = foresight_training.train(
        *("model", config, _episodes(40), {}, training),
        seed=0,
        directory=tmp_path / "policy",
        log_dir=tmp_path / "logs",
    )
    held_out = _episodes(12, seed=1)
    privileged = np.zeros((12, 30, 0), np.float32)
    errors = model_errors(network, held_out, privileged, np.full(12, 4))
    before, after = (np.mean(errors[name]) for name in ("before", "after"))
    assert before > 0.7
    if adapts:
        assert after < 0.3
    else:
        assert after == before


def test_episodes_shorter_than_a_slice_are_refused(tmp_path):
    with pytest.raises(
        UserError, match="predicted is 3, but episodes have 2 steps.*lower"
    ):
        foresight_training.train(
            *("model", _config(), _episodes(2, steps=3), {}, TrainConfig()),
            seed=0,
            directory=tmp_path,
            log_dir=tmp_path,
        )
    config = _config(steps=1, window=30)
    with pytest.raises(UserError, match="window is 30, but episodes have 29 steps"):
        foresight_training.train(
            *("model", config, _episodes(2), {}, TrainConfig()),
            seed=0,
            directory=tmp_path,
            log_dir=tmp_path,
        )


def test_an_adaptation_is_as_large_as_the_last_transitions_surprise():
    """A model that predicts no change is surprised by actions, not by rest."""
    tf_keras.utils.set_random_seed(0)
    network = Foresight(_config(steps=1, alpha=0.1))
    for weights in network.members[0].theta.values():
        weights.assign(0 * weights)
    store, privileged = _episodes(3), np.zeros((3, 30, 0), np.float32)
    store.state[1] = store.state[1, :1]  # rests
    store.length[:] = 30, 30, 12
    steps = np.array([[2, 10, 20]] * 3)
    found = adaptation_sizes(network, store, privileged, steps)
    assert [[value is None for value in row] for row in found] == [
        [True, True, True],  # the window is not full yet
        [False, False, False],
        [False, False, True],  # the episode is over
    ]
    assert found[1][0] > 0 and found[1][1] == 0
    of_another = Foresight(_config(steps=1, alpha=0.1, window_of=ANOTHER_TASK))
    of_another.set_weights(network.get_weights())
    beside = np.array([2, 0, 1])
    other = adaptation_sizes(of_another, store, privileged, steps, beside)
    assert other[1] == [found[1][2], found[1][0], found[1][1]]
    of_none = Foresight(_config(steps=1, alpha=0.1, window_of=NONE))
    of_none.set_weights(network.get_weights())
    assert adaptation_sizes(of_none, store, privileged, steps)[1] == [0, 0, 0]


def test_a_training_that_diverges_is_refused(tmp_path):
    training = TrainConfig(steps=3, batch_size=2)
    store = _episodes(2)
    store.state[0, 5] = np.nan
    with pytest.raises(UserError, match="diverged: lower TrainConfig.learning_rate"):
        foresight_training.train(
            *("model", _config(), store, {}, training),
            seed=0,
            directory=tmp_path / "policy",
            log_dir=tmp_path / "logs",
        )
