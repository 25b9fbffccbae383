"""TFDS folders of any origin are opened without running or reading what they name."""

import json
import os
import sys

import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import feature_classes
from wtl.datasets.interchange import tfds_folder
from wtl.datasets.storage import publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode


@pytest.fixture
def folder(tmp_path):
    with StagingWriter(tmp_path / "staged", SPEC) as writer:
        writer.append([fake_episode(0)])
    name = fields.WTL_DEMOS
    return publish.publish(tmp_path / "staged", tmp_path, name, "1.0.0", SPEC, {})


def test_a_folder_is_opened(folder):
    builder = tfds_folder.open_folder(folder)
    assert fields.STEPS in builder.info.features


_EVIL = "evil_module.Feature"
_DICT = "tensorflow_datasets.core.features.features_dict.FeaturesDict"


@pytest.mark.parametrize(
    "tree",
    [
        {"pythonClassName": _EVIL, "text": {}},
        {"python_class_name": _EVIL, "text": {}},
        {"type": _EVIL, "content": {}},
        {"type": _DICT, "content": {"a": {"type": _EVIL, "content": {}}}},
        {"type": _DICT, "content": json.dumps({"type": _EVIL, "content": {}})},
        {
            "pythonClassName": _DICT,
            "jsonFeature": {"json": json.dumps({"a": {"type": _EVIL, "content": {}}})},
        },
        {"pythonClassName": _DICT, "features": [{"pythonClassName": "os.path"}]},
        {"pythonClassName": "tensorflow_datasets_evil.Feature"},
        {"pythonClassName": "tensorflow_datasets..evil"},
        {"featuresDict": {"features": {"../../outside": {"classLabel": {}}}}},
        {"featuresDict": {"features": {"/outside": {"classLabel": {}}}}},
        "[" * 100_000,
    ],
)
def test_classes_and_files_outside_are_refused(folder, monkeypatch, tree):
    (folder / "evil_module.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(folder)
    text = tree if isinstance(tree, str) else json.dumps(tree)
    (folder / fields.FEATURES_FILE).write_text(text)
    with pytest.raises(UserError, match="features.json is refused"):
        tfds_folder.open_folder(folder)
    assert "evil_module" not in sys.modules


def test_features_may_be_called_like_keys_of_the_file(folder):
    path = folder / fields.FEATURES_FILE
    tree = {"featuresDict": {"features": {"type": {"text": {}}, "a {b": {}}}}
    path.write_text(json.dumps(tree | {"description": "{no json"}))
    feature_classes.check(path)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../outside"},
        {"filepathTemplate": "../{SPLIT}"},
        {"filepathTemplate": "/etc/passwd"},
    ],
)
def test_shards_outside_are_refused(folder, change):
    path = folder / fields.INFO_FILE
    info = json.loads(path.read_text())
    info["splits"][0] |= change
    path.write_text(json.dumps(info))
    with pytest.raises(UserError):
        tfds_folder.open_folder(folder)


def test_a_pipe_is_refused_and_a_missing_file_named(folder, tmp_path):
    (folder / fields.FEATURES_FILE).unlink()
    with pytest.raises(UserError, match="is not a TFDS dataset"):
        tfds_folder.open_folder(folder)
    os.mkfifo(folder / fields.FEATURES_FILE)
    with pytest.raises(UserError, match="no regular file"):
        tfds_folder.open_folder(folder)
    with pytest.raises(UserError, match="is no folder"):
        tfds_folder.open_folder(tmp_path / "nowhere")
