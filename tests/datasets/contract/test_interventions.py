"""Steps may say where a person took over; datasets that don't are as before."""

import dataclasses

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import example_serializer

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeError, validate
from wtl.datasets.format import schema
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish, verify
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

ASSISTED = dataclasses.replace(SPEC, interventions=True)


@pytest.fixture
def published(tmp_path):
    with StagingWriter(tmp_path / "staged", ASSISTED) as writer:
        writer.append([fake_episode(i, ASSISTED) for i in range(3)])
    return publish.publish(
        tmp_path / "staged", tmp_path, "wtl_demos", "1.0.0", ASSISTED, {}
    )


def test_plain_tfds_reads_the_flags(published):
    builder = tfds.builder_from_directory(str(published))
    expected = {e.id: e for e in (fake_episode(i, ASSISTED) for i in range(3))}
    for episode in tfds.as_numpy(builder.as_dataset("train")):
        flags = [step["is_intervention"] for step in episode["steps"]]
        wanted = expected[episode["episode_id"].decode()]
        np.testing.assert_array_equal(flags, wanted.steps[fields.IS_INTERVENTION])
        assert not flags[-1]
    assert verify.verify(published) == []
    assert schema.stored_spec(published) == ASSISTED


def test_bytes_are_those_of_tfds(published):
    episode = fake_episode(1, ASSISTED)
    features = schema.features(ASSISTED)
    encoded = features.encode_example(schema.example(episode))
    serializer = example_serializer.ExampleSerializer(features.get_serialized_info())
    expected = serializer.get_tf_example(encoded).SerializeToString(deterministic=True)
    assert encode(episode) == expected


def test_who_does_not_ask_reads_them_like_any_other(published):
    store = reader.read(published, spec=SPEC)
    np.testing.assert_array_equal(
        store.state[0, : store.length[0]], fake_episode(0).steps[fields.STATE]
    )


def test_a_spec_is_kept_to():
    plain = fake_episode(0)
    with pytest.raises(EpisodeError, match="'is_intervention' is missing"):
        validate(plain, ASSISTED)
    with pytest.raises(EpisodeError, match="unknown step field 'is_intervention'"):
        validate(plain.unassisted(), SPEC)
    validate(plain.unassisted(), ASSISTED)
    assert not plain.unassisted().steps[fields.IS_INTERVENTION].any()
    flagged = fake_episode(0, ASSISTED)
    flags = flagged.steps[fields.IS_INTERVENTION]
    np.testing.assert_array_equal(
        flagged.unassisted().steps[fields.IS_INTERVENTION], flags
    )
    assert flags.any()
