"""Videos are paired with what the robot did by task, scene and thing acted on."""

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import stack
from wtl.datasets.sampling import video_pairs
from wtl.datasets.testing.fakes import fake_episode


def _store(dataset, keys):
    return stack(
        [
            fake_episode(
                i,
                dataset=dataset,
                task_id=f"set{task:04d}-lift",
                scene_seed=scene,
                hidden_target=target,
            )
            for i, (task, scene, target) in enumerate(keys)
        ]
    )


def test_pairs_are_found_whatever_the_order_and_gaps_are_told():
    keys = [(t, s, k) for t in range(3) for s in range(2) for k in range(3)]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(keys))[:-4]
    demos = _store(fields.WTL_DEMOS, keys)
    videos = _store(fields.WTL_HUMAN_VIDEOS, [keys[i] for i in order])
    rows = video_pairs.paired_rows(demos, videos)
    for i, row in enumerate(rows):
        if row < 0:
            assert i not in order
        else:
            assert order[row] == i
    assert (rows < 0).sum() == 4


def test_a_video_has_no_actions():
    demos = _store(fields.WTL_DEMOS, [(0, 0, 0), (0, 1, 1)])
    video = video_pairs.as_video(demos, 5)
    assert video.action.shape == (*demos.state.shape[:2], 5)
    assert not video.action.any()
    np.testing.assert_array_equal(video.state, demos.state)
