"""Tasks kept for trials: a share of the tasks, whole, the same for the same ids."""

import numpy as np
import pytest

from wtl.datasets.sampling.trial_tasks import kept_for_trials

TASKS = np.array([f"train-{i // 3:05d}-press-0" for i in range(60)])  # 3 episodes each


@pytest.mark.parametrize("share, kept", [(0.0, 0), (0.25, 5), (0.5, 10)])
def test_a_share_of_the_tasks_is_kept_with_all_their_episodes(share, kept):
    mask = kept_for_trials(TASKS, share)
    inside, outside = set(TASKS[mask]), set(TASKS[~mask])
    assert len(inside) == kept and not inside & outside
    assert mask.sum() == 3 * kept


def test_the_same_tasks_are_kept_whatever_the_order_of_episodes():
    order = np.random.default_rng(0).permutation(len(TASKS))
    shuffled = kept_for_trials(TASKS[order], 0.5)
    assert set(TASKS[order][shuffled]) == set(TASKS[kept_for_trials(TASKS, 0.5)])
