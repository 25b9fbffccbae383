"""Images in episodes: lossless or small, read by plain TFDS, damage is named."""

import dataclasses

import numpy as np
import pytest
import tensorflow_datasets as tfds

from datasets import fields, publish, reader
from datasets.decoding import DecodeError, decode
from datasets.encoding import encode
from datasets.episode import EpisodeError, validate
from datasets.fakes import SPEC, fake_episode
from datasets.schema import stored_spec
from datasets.staging import StagingWriter
from datasets.store import stack

PIXELS = 16
WITH_IMAGES = dataclasses.replace(SPEC, image_pixels=PIXELS)


def _episode(index: int = 0):
    return fake_episode(index, WITH_IMAGES)


@pytest.fixture
def published(tmp_path):
    def make(encoding: str):
        spec = dataclasses.replace(WITH_IMAGES, image_encoding=encoding)
        with StagingWriter(tmp_path / encoding, spec) as writer:
            writer.append([_episode(i) for i in range(3)])
        root = tmp_path / f"root-{encoding}"
        return publish.publish(
            tmp_path / encoding, root, "wtl_demos", "1.0.0", spec, {}
        ), spec

    return make


def test_png_comes_back_exactly(published):
    path, spec = published("png")
    assert stored_spec(path) == spec
    store = reader.read(path, with_images=True)
    expected = {e.id: e.steps[fields.IMAGE] for e in map(_episode, range(3))}
    for name, image in zip(store[fields.EPISODE_ID], store.image, strict=True):
        np.testing.assert_array_equal(image, expected[name])
    assert reader.read(path).image is None


def test_jpeg_is_close_and_smaller(published):
    path, spec = published("jpeg")
    assert stored_spec(path) == spec
    store = reader.read(path, with_images=True)
    expected = {e.id: e.steps[fields.IMAGE] for e in map(_episode, range(3))}
    for name, image in zip(store[fields.EPISODE_ID], store.image, strict=True):
        difference = image.astype(int) - expected[name].astype(int)
        assert 0 < np.abs(difference).mean() < 20


@pytest.mark.parametrize("encoding", ["png", "jpeg"])
def test_plain_tfds_reads_images(published, encoding):
    path, _ = published(encoding)
    builder = tfds.builder_from_directory(str(path))
    ours = reader.read(path, "train", with_images=True)
    for row, episode in enumerate(tfds.as_numpy(builder.as_dataset("train"))):
        images = np.stack([s["observation"]["image"] for s in episode["steps"]])
        difference = images.astype(int) - ours.image[row].astype(int)
        assert np.abs(difference).max() <= (0 if encoding == "png" else 8)


def test_damaged_or_missing_images_are_named():
    episode = _episode()
    payload = bytearray(encode(episode))
    at = payload.find(b"IHDR") + 4
    payload[at + 3] ^= 0xFF  # the width of the first image
    with pytest.raises(DecodeError, match="image"):
        decode(bytes(payload), WITH_IMAGES)
    with pytest.raises(DecodeError, match="missing"):
        decode(encode(fake_episode()), WITH_IMAGES)
    with pytest.raises(DecodeError, match="unknown field 'steps/observation/image'"):
        decode(encode(episode), SPEC)
    with pytest.raises(EpisodeError, match="image"):
        validate(fake_episode(), WITH_IMAGES)


def test_stacking_keeps_images():
    store = stack([_episode(0), _episode(1)])
    assert store.image.dtype == np.uint8
    np.testing.assert_array_equal(
        store.select([1]).image[0], _episode(1).steps[fields.IMAGE]
    )
    assert stack([fake_episode()]).image is None
