"""Slots in order of place: the same scene, told from left to right."""

import numpy as np
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.slot_order import by_place
from wtl.collection.worlds.tabletop.observation import OBJECT, Layout, slices
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import episode_id
from wtl.datasets.reading.store import stack

LAYOUT = Layout(3)


def _store():
    suite = TaskDistribution(train_object_sets=5, train_tasks=5)
    episodes = []
    for task in suite.tasks(fields.SPLIT_TRAIN):
        for setup in suite.demonstration_scenes(task)[:2]:
            name = episode_id(
                fields.WTL_DEMOS, task.task_id, "demo", len(episodes), setup.scene_seed
            )
            episodes.append(demonstrate(request(setup, name), 0.1))
    return stack(episodes)


def test_things_stand_from_left_to_right_and_labels_follow():
    store = _store()
    ordered = by_place(store, LAYOUT)
    place = slices(OBJECT)["position"]
    x = LAYOUT.split(ordered.state[:, 0])["objects"][..., place][..., 0]
    assert (np.diff(x, axis=1) > 0.1).all()
    # The same things, only in other slots, through all timesteps.
    for name in ("objects", "buttons"):
        before = np.sort(LAYOUT.split(store.state)[name], axis=2)
        after = np.sort(LAYOUT.split(ordered.state)[name], axis=2)
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(
        LAYOUT.acted_slots(ordered.state),
        ordered[fields.HIDDEN_TARGET],
    )
    assert (ordered[fields.HIDDEN_TARGET] != store[fields.HIDDEN_TARGET]).any()
    np.testing.assert_array_equal(
        ordered[fields.HIDDEN_ACHIEVED], ordered[fields.HIDDEN_TARGET]
    )


def test_the_given_store_is_left_as_it_is():
    store = _store()
    before = store.state.copy()
    by_place(store, LAYOUT)
    np.testing.assert_array_equal(store.state, before)
