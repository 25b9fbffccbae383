"""A run's datasets and policies, published and fetched by the commands."""

import json
import os
import shutil

import pytest
import tensorflow as tf
from web_server import Manners, serving

import wtl
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import checksums, publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.policies import export, trust


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a dataset, a saved policy, and one that is not trained yet."""
    run = tmp_path_factory.mktemp("runs") / "run"
    with StagingWriter(run / "staging", SPEC) as writer:
        writer.append([fake_episode(index) for index in range(3)])
    name = fields.WTL_DEMOS
    publish.publish(run / "staging", run / "datasets", name, "1.0.0", SPEC, {})
    trial = run / "policies" / "mil"
    module = tf.Module()
    module.weight = tf.Variable([1.0, 2.0])
    module.action = tf.function(
        lambda x: x * module.weight, [tf.TensorSpec([2], tf.float32)]
    )
    tf.saved_model.save(module, str(trial / "saved_model"))
    described = {"method": "mil", "policy_id": "0123456789abcdef", "key": "k"}
    (trial / "policy.json").write_text(json.dumps(described))
    (trial / "key.txt").write_text("k")
    (run / "policies" / "unfinished" / "checkpoints").mkdir(parents=True)
    (run / "config.gin").write_text("train_trial.steps = 5\n")
    stage = {"outputs": {"mil": "0123456789abcdef"}, "seed": 3}
    stage["taken_from"] = "/home/ann/secret/base"
    (run / "lineage.json").write_text(
        json.dumps({"train_trial": stage, "evaluate": {}})
    )
    log = run / "logs" / "mil" / "events.out.tfevents.1.machine.v2"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"curve")
    return run


def _wtl(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_a_run_is_published_and_its_policy_fetched(run, tmp_path, capsys):
    web = tmp_path / "web"
    assert _wtl("publish", run, web) == 0
    assert _wtl("publish", run, web) == 0
    assert capsys.readouterr().out.count("moved 0 of") == 2
    place = "policies/mil/0123456789abcdef"
    assert sorted(p.name for p in web.iterdir()) == ["policies", fields.WTL_DEMOS]
    assert [p.name for p in (web / "policies").iterdir()] == ["mil"]
    with serving(web, Manners()) as url:
        assert _wtl("fetch", f"{url}/{place}", tmp_path / "here") == 0
    here = tmp_path / "here" / "mil" / "0123456789abcdef"
    loaded = tf.saved_model.load(str(here / "saved_model"))
    assert loaded.action([1.0, 1.0])[1] == 2
    assert "`0123456789abcdef`" in (here / "README.md").read_text()
    assert json.loads((here / "provenance.json").read_text()) == {
        "train_trial": {"outputs": {"mil": "0123456789abcdef"}, "seed": 3}
    }
    files = {p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()}
    assert {"config.gin", "LICENSE", "learning_curve/events.out.tfevents.0"} < files
    assert not any("machine" in name or "key.txt" in name for name in files)
    assert _wtl("verify", here) == 0


def test_what_is_wrong_with_a_fetched_policy_is_found(run, tmp_path, capsys):
    assert _wtl("publish", run / "policies" / "mil", tmp_path / "web") == 0
    there = tmp_path / "web" / "policies" / "mil" / "0123456789abcdef"
    variables = there / "saved_model" / "variables" / "variables.index"
    data = bytearray(variables.read_bytes())
    data[5] ^= 1
    variables.write_bytes(data)
    (there / "saved_model" / "extra").write_text("")
    assert _wtl("verify", there) == 1
    said = capsys.readouterr().out
    assert "variables.index: its bytes" in said and "saved_model/extra: does" in said


@pytest.mark.parametrize(
    "name",
    ["config.gin", "policies/mil/policy.json", "policies/mil/saved_model/assets/x"],
)
@pytest.mark.parametrize("kind", ["pipe", "device", "link", "folder"])
def test_only_regular_files_of_the_run_are_published(run, tmp_path, capsys, name, kind):
    copy, outside = tmp_path / "run", tmp_path / "outside"
    shutil.copytree(run, copy)
    path = copy / name
    if path.exists():
        shutil.copy(path, outside)
    else:
        outside.write_text("secret")
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        (tmp_path / "others").mkdir()
        outside.rename(tmp_path / "others" / "x")
        path.symlink_to(tmp_path / "others")
    else:
        path.symlink_to("/dev/zero" if kind == "device" else outside)
    assert _wtl("publish", copy / "policies" / "mil", tmp_path / "web") == 1
    said = capsys.readouterr().err
    assert "regular file" in said or "leads out" in said or "nothing to publish" in said
    assert not (tmp_path / "web").exists()


def test_a_fetched_policy_loads_once_it_is_trusted(run, tmp_path, capsys):
    assert _wtl("publish", run / "policies" / "mil", tmp_path / "web") == 0
    place = tmp_path / "web" / "policies" / "mil" / "0123456789abcdef"
    assert _wtl("fetch", place, tmp_path / "here") == 0
    assert "A policy is a program" in capsys.readouterr().out
    policies = tmp_path / "run" / "policies"
    shutil.copytree(tmp_path / "here" / "mil" / place.name, policies / "mil")
    (policies / "linked").mkdir()
    (policies / "linked" / "saved_model").symlink_to(policies / "mil" / "saved_model")
    for name in ("mil", "linked"):
        with pytest.raises(UserError, match="--trust"):
            export.load(policies / name / "saved_model", 2)
        with pytest.raises(UserError, match="trust=True"):
            wtl.load_policy(policies / name)
    with pytest.raises(AttributeError, match="get_metadata"):  # a plain module's fault
        wtl.load_policy(policies / "mil", trust=True)
    trust.grant(policies)
    for name in ("mil", "linked"):
        trust.require(policies / name / "saved_model")
    assert _wtl("verify", policies / "mil") == 0
    said = capsys.readouterr().out
    assert "is intact" in said and "program" in said and "safe" not in said
    with open(policies / "mil" / "checksums.json", "a") as file:
        file.write(" ")
    with pytest.raises(UserError, match="--trust"):  # of other content
        trust.require(policies / "mil" / "saved_model")
    trust.require(run / "policies" / "mil" / "saved_model")  # trained here


@pytest.mark.parametrize("below", ["", "run/policies/mil"])
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/added"])
def test_consent_is_for_the_content(tmp_path, below, name):
    version = tmp_path / "0123456789abcdef"
    saved = version / below / "saved_model"
    saved.mkdir(parents=True)
    (saved / "saved_model.pb").write_text("program")
    checksums.seal(version)
    with pytest.raises(UserError, match="--trust"):
        trust.require(saved)
    trust.grant(saved.parent.parent)
    trust.require(saved)
    (saved / name).parent.mkdir(exist_ok=True)
    (saved / name).write_text("another")
    for trusted in (False, True):
        with pytest.raises(UserError, match="changed since it was published"):
            trust.require(saved, trusted)


def test_another_policy_under_the_same_id_is_refused(run, tmp_path, capsys):
    other = tmp_path / "run"
    shutil.copytree(run, other)
    assert _wtl("publish", run, tmp_path / "web") == 0
    (other / "config.gin").write_text("train_trial.steps = 6\n")
    assert _wtl("publish", other / "policies" / "mil", tmp_path / "web") == 1
    assert "holds another content" in capsys.readouterr().err
    (other / "policies" / "mil" / "policy.json").write_text("{")
    assert _wtl("publish", other, tmp_path / "elsewhere") == 1
    assert "policy.json cannot be read" in capsys.readouterr().err
