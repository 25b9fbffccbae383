"""Images in episodes: lossless or small, read by plain TFDS, damage is named."""

import dataclasses

import numpy as np
import pytest
import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeError, validate
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import images
from wtl.datasets.format.decoding import DecodeError, decode
from wtl.datasets.format.encoding import encode
from wtl.datasets.format.schema import stored_spec
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import stack
from wtl.datasets.storage import publish, verify
from wtl.datasets.storage.staging import StagingError, StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

PIXELS = 16
WITH_IMAGES = dataclasses.replace(SPEC, observations=observed(7, PIXELS))


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
    store = reader.read(path, images={"image": (PIXELS, PIXELS)})
    expected = {e.id: e.steps[fields.IMAGE] for e in map(_episode, range(3))}
    for name, image in zip(store[fields.EPISODE_ID], store.image, strict=True):
        np.testing.assert_array_equal(image, expected[name])
    assert reader.read(path).image is None


def test_jpeg_is_close_and_smaller(published):
    path, spec = published("jpeg")
    assert stored_spec(path) == spec
    store = reader.read(path, images={"image": (PIXELS, PIXELS)})
    expected = {e.id: e.steps[fields.IMAGE] for e in map(_episode, range(3))}
    for name, image in zip(store[fields.EPISODE_ID], store.image, strict=True):
        difference = image.astype(int) - expected[name].astype(int)
        assert 0 < np.abs(difference).mean() < 20


@pytest.mark.parametrize("encoding", ["png", "jpeg"])
def test_plain_tfds_reads_images(published, encoding):
    path, _ = published(encoding)
    builder = tfds.builder_from_directory(str(path))
    ours = reader.read(path, "train", images={"image": (PIXELS, PIXELS)})
    for row, episode in enumerate(tfds.as_numpy(builder.as_dataset("train"))):
        images = np.stack([s["observation"]["image"] for s in episode["steps"]])
        difference = images.astype(int) - ours.image[row].astype(int)
        assert np.abs(difference).max() <= (0 if encoding == "png" else 8)


def test_plain_tfds_reads_the_images_of_the_wrist(tmp_path):
    spec = dataclasses.replace(
        WITH_IMAGES, observations=observed(7, PIXELS, wrist=True)
    )
    made = []
    for i in range(3):
        episode = _episode(i)
        wrist = episode.steps[fields.IMAGE][:, ::-1, :, ::-1].copy()
        steps = {**episode.steps, fields.WRIST_IMAGE: wrist}
        made.append(dataclasses.replace(episode, steps=steps))
    with StagingWriter(tmp_path / "staged", spec) as writer:
        writer.append(made)
    path = publish.publish(
        tmp_path / "staged", tmp_path / "root", "wtl_demos", "1.0.0", spec, {}
    )
    assert stored_spec(path) == spec
    assert verify.verify(path) == []
    builder = tfds.builder_from_directory(str(path))
    expected = {e.id: e.steps for e in made}
    for episode in tfds.as_numpy(builder.as_dataset("train")):
        steps = expected[episode["episode_id"].decode()]
        for name in (fields.IMAGE, fields.WRIST_IMAGE):
            found = np.stack([s["observation"][name] for s in episode["steps"]])
            np.testing.assert_array_equal(found, steps[name])
    for episode in reader.iterate_episodes(path):
        wrist = episode.steps[fields.WRIST_IMAGE]
        np.testing.assert_array_equal(wrist, expected[episode.id][fields.WRIST_IMAGE])


def test_episodes_with_and_without_a_wrist_do_not_mix(tmp_path):
    spec = dataclasses.replace(
        WITH_IMAGES, observations=observed(7, PIXELS, wrist=True)
    )
    with pytest.raises(EpisodeError, match="wrist_image"):
        validate(_episode(), spec)
    with pytest.raises(DecodeError, match="wrist_image.*missing"):
        decode(encode(_episode()), spec)
    StagingWriter(tmp_path, WITH_IMAGES).close()
    with pytest.raises(StagingError, match="'wrist_image': none, not images"):
        StagingWriter(tmp_path, spec)


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


def test_what_is_no_image_is_named_without_addresses():
    with pytest.raises(images.ImageError, match=r"\(it is no PNG or JPEG\)$"):
        images.decode(b"GIF89a", (1, 1, 3))
