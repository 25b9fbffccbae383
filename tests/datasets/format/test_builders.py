"""The TFDS folders of our datasets, as TFDS's own tools see them."""

import dataclasses
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import dataset_metadata

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import schema
from wtl.datasets.format.encoding import encode
from wtl.datasets.format.episodes_builder import EpisodesConfig
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish
from wtl.datasets.storage.location import DatasetNotFoundError
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_DATASETS = pathlib.Path(__file__).resolve().parents[3] / "datasets"

_FOLDERS = sorted(path.parent.name for path in _DATASETS.glob("*/*_dataset_builder.py"))
_EPISODES = [fake_episode(i, split=("train", "val")[i % 2]) for i in range(4)]
_VIDEO = EpisodeSpec(observed(7, 16), physics_size=4)
_FAULTY = dataclasses.replace(SPEC, gains_size=3)


def _builder(name, **arguments):
    module = importlib.import_module(f"wtl.datasets.{name}.{name}_dataset_builder")
    return module.Builder(**arguments)


def _config(source):
    return EpisodesConfig(name="test", source=str(source))


def test_every_dataset_of_the_pipeline_has_a_folder():
    assert _FOLDERS == [
        fields.WTL_DEMOS,
        fields.WTL_EVALUATIONS,
        fields.WTL_EXPLORATIONS,
        fields.WTL_HUMAN_VIDEOS,
        fields.WTL_RETRIALS,
        fields.WTL_TRIALS,
    ]


@pytest.mark.parametrize("name", _FOLDERS)
def test_a_folder_has_card_citation_and_known_tags(name):
    folder = _DATASETS / name
    texts = dataset_metadata.load(folder)
    assert texts.description.startswith(f"# {name}")
    assert "@inproceedings" in texts.citation
    known = {tag.split("#")[0].strip() for tag in dataset_metadata.valid_tags()}
    assert texts.tags and set(texts.tags) <= known


@pytest.mark.parametrize("name", _FOLDERS)
def test_a_builder_shares_the_schema(name, tmp_path):
    spec, hidden = SPEC, {}
    if name == fields.WTL_HUMAN_VIDEOS:
        spec = _VIDEO
    if name == fields.WTL_TRIALS:
        spec, hidden = _FAULTY, {"hidden_gains": (-1.0, 2.0, 0.5)}
    with StagingWriter(tmp_path / "staged", spec) as writer:
        writer.append(fake_episode(0, spec, **hidden))
    version = publish.publish(tmp_path / "staged", tmp_path, name, "1.0.0", spec, {})
    expected = schema.features(spec).to_json()
    for source in (tmp_path / "staged", version):
        builder = _builder(name, data_dir=tmp_path / "built", config=_config(source))
        assert builder.name == name
        found = builder.info.features.to_json()
        assert schema.difference(expected, found) is None
        assert builder.info.citation
    read = reader.read(version)
    for field, value in hidden.items():
        assert read[field.replace("_", "/")].tolist() == [list(value)]


def test_a_builder_without_episodes_says_what_to_do(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="wtl collect_demos"):
        _builder(fields.WTL_DEMOS, data_dir=tmp_path)


def test_a_builder_of_human_videos_names_the_command_to_run(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="wtl import_videos"):
        _builder(fields.WTL_HUMAN_VIDEOS, data_dir=tmp_path)


@pytest.mark.slow
def test_tfds_builds_the_same_episodes(tmp_path):
    pytest.importorskip("importlib_resources")  # TFDS needs it to build.
    with StagingWriter(tmp_path / "staged", SPEC) as writer:
        writer.append(_EPISODES)
    builder = _builder(
        fields.WTL_DEMOS,
        data_dir=tmp_path / "built",
        config=_config(tmp_path / "staged"),
    )
    builder.download_and_prepare()
    found = list(reader.iterate_episodes(builder.data_dir))
    assert sorted(map(encode, found)) == sorted(map(encode, _EPISODES))


def _spec(name):
    return _VIDEO if name == fields.WTL_HUMAN_VIDEOS else SPEC


def _as_tfds_tests(name):
    """The tests that TFDS has for every dataset of its own."""

    class BuilderTest(tfds.testing.DatasetBuilderTestCase):
        SPLITS = {"train": 2, "val": 1}

        @classmethod
        def setUpClass(cls):
            module = importlib.import_module(
                f"wtl.datasets.{name}.{name}_dataset_builder"
            )
            cls.DATASET_CLASS = module.Builder
            cls._folder = tempfile.TemporaryDirectory()
            cls.EXAMPLE_DIR = cls._folder.name
            spec = _spec(name)
            with StagingWriter(f"{cls.EXAMPLE_DIR}/staged", spec) as writer:
                for i, split in enumerate(("train", "val", "train")):
                    writer.append(fake_episode(i, spec, split=split))
            cls._config = _config(f"{cls.EXAMPLE_DIR}/staged")
            cls.BUILDER_CONFIG_NAMES_TO_TEST = [cls._config]
            super().setUpClass()

        @classmethod
        def tearDownClass(cls):
            super().tearDownClass()
            cls._folder.cleanup()

        def _make_builder(self, config=None):
            return super()._make_builder(config or self._config)

    return BuilderTest


for _name in _FOLDERS:
    globals()[f"TestAsTfds_{_name}"] = _as_tfds_tests(_name)


def test_the_command_of_tfds_builds_from_a_folder(tmp_path):
    pytest.importorskip("mlcroissant", reason="TFDS's command needs it")
    with StagingWriter(tmp_path / "staged", SPEC) as writer:
        writer.append(_EPISODES)
    folder = _DATASETS / fields.WTL_DEMOS
    config = {"name": "mine", "source": str(tmp_path / "staged")}
    built = subprocess.run(
        [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main"]
        + ["build", str(folder), f"--data_dir={tmp_path}/built"]
        + [f"--config={json.dumps(config)}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    loaded = tfds.load("wtl_demos/mine", data_dir=tmp_path / "built", split="train")
    found = {e["episode_id"].numpy().decode() for e in loaded}
    expected = {e.id for e in _EPISODES if e.metadata[fields.SPLIT] == "train"}
    assert found == expected
