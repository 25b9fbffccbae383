"""Processes that train together compute what one of them computes alone."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.training.cluster import Cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
_ARGUMENTS = [
    f"--gin_file={ROOT}/tests/tiny.gin",
    "--gin_bindings=suite.train_object_sets=5",
    "--gin_bindings=suite.train_tasks=5",
    "--gin_bindings=suite.val_tasks=0",
    "--gin_bindings=suite.test_tasks=0",
    # Two demonstrations of ten examples each: neither alone has all that is masked.
    "--gin_bindings=train_trial.max_demos=2",
    "--gin_bindings=train_trial.batch_size=10",
    "--gin_bindings=train_trial.steps=6",
    "--gin_bindings=train_trial/TrainConfig.log_every=1",
    "--gin_bindings=train_trial.methods=('mil', 'bc')",
]


def _environment(workers, index, kind="worker") -> str:
    return json.dumps(
        {"cluster": {"worker": workers}, "task": {"type": kind, "index": index}}
    )


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def _free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def _curves(run_dir) -> dict[tuple[str, str], list[float]]:
    """Values by policy and name, in order of steps."""
    curves = {}
    for path in sorted((run_dir / "logs").rglob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found = float(tf.make_ndarray(value.tensor))
                curves.setdefault((path.parent.name, value.tag), []).append(found)
    return curves


@pytest.mark.slow
def test_two_processes_lose_what_one_loses(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert _wtl("collect_demos", *_ARGUMENTS, f"--run_dir={alone}") == 0
    shutil.copytree(alone, together)
    assert _wtl("train_trial", *_ARGUMENTS, f"--run_dir={alone}") == 0
    workers = [_free_address(), _free_address()]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "wtl", "train_trial", *_ARGUMENTS]
            + [f"--run_dir={together}"],
            env=os.environ
            | {
                "TF_CONFIG": _environment(workers, index),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said[-2000:]
    expected, found = _curves(alone), _curves(together)
    assert found.keys() == expected.keys() and expected
    for curve, values in expected.items():
        assert len(values) == 6
        np.testing.assert_allclose(found[curve], values, rtol=1e-5, atol=1e-6)
    for policy in ("mil", "bc"):
        assert (together / "policies" / policy / "saved_model").exists()
    assert list(json.loads((together / "lineage.json").read_text())) == [
        "collect_demos",
        "train_trial",
    ]


def test_a_process_alone_is_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert Cluster.from_environment() is None
    monkeypatch.setenv("TF_CONFIG", _environment(["a:1"], 0))
    assert Cluster.from_environment() is None
    monkeypatch.setenv("TF_CONFIG", _environment(["a:1", "b:1"], 1))
    cluster = Cluster.from_environment()
    assert cluster == Cluster(("a:1", "b:1"), 1) and not cluster.is_chief


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[]",
        _environment(["a:1", "b:1"], 2),
        _environment(["a:1", "b:1"], -1),
        _environment(["a:1", "b:1"], "x"),
        _environment(["a:1", "b:1"], 0, kind="chief"),
        json.dumps({"cluster": {"ps": ["a:1"], "worker": ["b:1", "c:1"]}, "task": 1}),
    ],
)
def test_a_configuration_without_sense_is_complained_of(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG"):
        Cluster.from_environment()


def test_slices_are_the_batch(monkeypatch):
    rows = (np.arange(6), (np.arange(12).reshape(12, 1),))
    parts = [Cluster(("a:1", "b:1", "c:1"), i).slice(rows) for i in range(3)]
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), rows[0])
    np.testing.assert_array_equal(np.concatenate([p[1][0] for p in parts]), rows[1][0])
    with pytest.raises(ValueError, match="can't be divided"):
        Cluster(("a:1", "b:1"), 0).slice(np.arange(5))


def test_processes_that_train_together_do_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", _environment(["a:1", "b:1"], 1))
    assert _wtl("collect_demos", *_ARGUMENTS, f"--run_dir={tmp_path}/run") == 1
    assert "only train together" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_open_port_is_warned_of(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", _environment(["a:1", "b:1"], 0))
    assert _wtl("train_trial", *_ARGUMENTS, f"--run_dir={tmp_path}/run") == 1
    said = capsys.readouterr().err
    assert "anyone who reaches its port" in said and "wtl_demos is missing" in said
