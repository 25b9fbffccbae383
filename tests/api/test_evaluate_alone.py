"""`wtl.evaluate` in a world, without a run."""

import json

import numpy as np
import pytest

import wtl
from tests import plain_module
from wtl.datasets.contract.errors import UserError


def _still(observation):
    return np.zeros(2)


class _Follow:
    """Repeats the actions of the demonstration."""

    def reset(self, demos, trials):
        assert not trials
        self._actions = iter(demos[0].steps["action"])

    def act(self, observation):
        return next(self._actions)


def test_a_policy_is_evaluated_in_a_world_without_a_run(tmp_path, monkeypatch):
    assert plain_module.POINT.name == "plain_point"
    monkeypatch.chdir(tmp_path)
    found = wtl.evaluate(_Follow(), world="plain_point", tasks=3)
    # Goals are those demonstrated; starts differ, and demonstrations are noisy.
    assert found["methods"]["my policy"]["overall"]["n"] == 12
    assert found["methods"]["my policy"]["overall"]["success"] > 0.4
    assert found["protocol"]["world"] == "plain_point"
    folder = tmp_path / "runs/evaluate_plain_point/evaluation/my policy"
    assert json.loads((folder / "results.json").read_text()) == found
    still = wtl.evaluate(_still, None, "still", world="plain_point", tasks=3)
    assert set(still["methods"]) == {"still"}
    assert still["methods"]["still"]["overall"]["success"] == 0


def test_without_run_and_world_or_with_an_unknown_one_a_line_says_so(tmp_path):
    with pytest.raises(UserError, match="a world="):
        wtl.evaluate(_still)
    with pytest.raises(UserError, match="suite.domain is 'nowhere'"):
        wtl.evaluate(_still, tmp_path, world="nowhere")
    with pytest.raises(UserError, match="no condition"):
        wtl.evaluate(
            _still,
            tmp_path / "run",
            world="plain_point",
            tasks=1,
            trials_from="mil",
        )
