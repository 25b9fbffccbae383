"""The client examples, against a server of a finished run."""

import pathlib
import runpy
import time

import pytest

import wtl
from tests.serving.policy_servers import running
from wtl.api.policies import Policy
from wtl.datasets.contract.errors import UserError
from wtl.serving import served_policy

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "serving"


@pytest.fixture(scope="module")
def served(finished_run):
    policy = wtl.load_policy(finished_run / "policies" / "mil")
    described = served_policy.metadata(policy, "mil", finished_run)
    with running(policy, finished_run, **described) as found:
        yield found


def _play(name: str):
    return runpy.run_path(str(EXAMPLES / name))["play"]


def test_the_tabletop_is_played_to_the_end(served, finished_run):
    success = _play("tabletop_client.py")(str(finished_run), served.port)
    assert success in (True, False)
    with pytest.raises(UserError, match="no task 999"):
        _play("tabletop_client.py")(str(finished_run), served.port, task=999)


def test_a_gymnasium_loop_is_played_or_stopped_by_a_late_reply(
    served, finished_run, monkeypatch
):
    play = _play("gym_client.py")
    assert play(str(finished_run), served.port, limit=60) in ("success", "failure")
    act_chunk = Policy.act_chunk

    def late(self, observation):
        time.sleep(0.5)
        return act_chunk(self, observation)

    monkeypatch.setattr(Policy, "act_chunk", late)
    assert play(str(finished_run), served.port, limit=0.1) == "stopped"
