"""Scales of the rows of observations."""

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.tabletop import observation
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.policies.encoders import rows

LAYOUT = observation.Layout(3)


def test_rows_of_a_set_share_their_scale():
    encoder = rows.Rows(LAYOUT)
    rng = np.random.default_rng(0)
    states = (3 + 2 * rng.standard_normal((500, 4, LAYOUT.state_size))).astype(
        np.float32
    )
    place, _ = LAYOUT.rows["fixtures"]
    states[..., place] = 7.0  # never changes
    encoder.adapt(states)
    found = encoder(tf.constant(states))
    for name in LAYOUT.kinds:
        values = found[name].numpy()
        np.testing.assert_allclose(values.mean(axis=(0, 1, 2)), 0, atol=0.05)
        np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1, atol=0.05)
    shuffled = states[:1].copy()
    objects = LAYOUT.split(shuffled)["objects"]  # a view
    objects[...] = objects[..., [1, 2, 0], :]
    one = encoder(tf.constant(shuffled))
    np.testing.assert_allclose(
        one["objects"][..., 2, :], found["objects"][:1, ..., 0, :]
    )
    fixtures = found[rows.REST].numpy()[..., -(place.stop - place.start) :]
    np.testing.assert_array_equal(fixtures, 0)


def test_a_set_may_have_any_name():
    sets = tuple(Observation(n, (2, 3), is_set=True) for n in ("rest", "state"))
    layout = PlainLayout.of(EpisodeSpec(sets, action_size=1))
    found = rows.Rows(layout)(tf.zeros((5, layout.state_size)))
    assert {n: row.shape[1:] for n, row in found.items()} == {
        "rest": (2, 6),
        "state": (2, 6),
        rows.REST: (2,),  # the number of the step
    }


def test_absent_rows_do_not_hide_where_the_others_are():
    encoder, rng = rows.Rows(LAYOUT), np.random.default_rng(0)
    states = rng.standard_normal((500, LAYOUT.state_size)).astype(np.float32)
    objects = LAYOUT.split(states)["objects"]
    objects[..., 1] = rng.uniform(-0.01, 0.01, objects.shape[:2])  # metres
    objects[: 2 * len(objects) // 5, 2, 1] = -1.5  # out of view, as in tabletop_hard
    encoder.adapt(states)
    spread = encoder(tf.constant(states))["objects"].numpy()[:, 0].std(axis=0)
    by_mean, by_median = np.split(spread, 2)
    assert by_mean[1] < 0.05 and by_median[1] > 0.5
