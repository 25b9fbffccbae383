"""Episodes of a TFDS dataset that knows nothing of ours, by a field mapping."""

import os
import pathlib
import shutil
import struct
import zlib

import fake_rlds
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema, tfrecord
from wtl.datasets.interchange import import_episodes, rlds, rlds_feature
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.interchange.image_form import ImageForm
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify

_MAPS = (
    "state=observation/effector,observation/gripper",
    "image=observation/rgb",
    "action=action/world_vector",
    "reward=reward",
    "object_set=episode_metadata/scene",
    "notes=language_instruction",
)
_SETS = ("family=pick", "control_hz=3")


class _Foreign(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("0.1.0")
    name = "foreign_robot"

    def _info(self):
        step = {
            "observation": {
                "effector": tfds.features.Tensor(shape=(3,), dtype=np.float64),
                "gripper": tfds.features.Scalar(dtype=np.float32),
                "rgb": tfds.features.Image(shape=(8, 8, 3)),
            },
            "action": {
                "world_vector": tfds.features.Tensor(shape=(3,), dtype=np.float32)
            },
            "reward": tfds.features.Scalar(dtype=np.float32),
            "language_instruction": tfds.features.Text(),
            "is_first": tfds.features.Scalar(dtype=np.bool_),
            "is_last": tfds.features.Scalar(dtype=np.bool_),
            "is_terminal": tfds.features.Scalar(dtype=np.bool_),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "steps": tfds.features.Dataset(step),
                    "episode_metadata": {"scene": tfds.features.Text()},
                }
            ),
            license="CC BY 4.0",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {"train": self._generate_examples(0), "val": self._generate_examples(3)}

    def _generate_examples(self, start):
        for number in range(start, start + 3):
            yield number, _example(number)


def _example(number):
    rng = np.random.default_rng(number)
    steps = 4 + number
    return {
        "steps": [
            {
                "observation": {
                    "effector": rng.normal(size=3),
                    "gripper": np.float32(rng.random()),
                    "rgb": rng.integers(0, 256, (8, 8, 3), np.uint8),
                },
                "action": {"world_vector": rng.uniform(-1, 1, 3).astype("f4")},
                "reward": float(step >= steps - 2),
                "language_instruction": f"pick thing {number}",
                "is_first": step == 0,
                "is_last": step == steps - 1,
                "is_terminal": step == steps - 1 and number % 2 == 0,
            }
            for step in range(steps)
        ],
        "episode_metadata": {"scene": f"kitchen{number}"},
    }


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    builder = _Foreign(data_dir=str(tmp_path_factory.mktemp("foreign")))
    builder.download_and_prepare()
    return builder.data_dir


def _imported(directory, root, maps=_MAPS, sets=_SETS, **options):
    mapping = FieldMapping.parse(maps, sets, "kitchen_robot")
    source = rlds.RldsDataset(directory, mapping, **options)
    return import_episodes.import_episodes(
        source.episodes(), root, "kitchen_robot", {}, source.license
    )


@pytest.mark.parametrize("last_action_counts", [False, True])
def test_every_number_comes_in(foreign, tmp_path, last_action_counts):
    version = _imported(foreign, tmp_path, last_action_counts=last_action_counts)
    assert verify.verify(version) == []
    by_scene = {
        episode.metadata["object_set"]: episode
        for episode in reader.iterate_episodes(version)
    }
    assert by_scene.keys() == {f"kitchen{n}" for n in range(6)}
    for number in range(6):
        steps = _example(number)["steps"]
        episode = by_scene[f"kitchen{number}"]
        acted = steps if last_action_counts else steps[:-1]
        seen = steps + steps[-1:] * last_action_counts
        assert len(episode) == len(seen) == len(acted) + 1
        state = [
            np.append(s["observation"]["effector"], s["observation"]["gripper"])
            for s in seen
        ]
        assert (episode.steps["state"] == np.array(state, np.float32)).all()
        images = [s["observation"]["rgb"] for s in seen]
        assert (episode.steps["image"] == images).all()
        actions = [s["action"]["world_vector"] for s in acted]
        assert (episode.steps["action"][:-1] == actions).all()
        assert episode.steps["reward"][:-1].tolist() == [s["reward"] for s in acted]
        assert episode.steps["is_terminal"][-1] == (number % 2 == 0)
        assert episode.metadata["notes"] == f"pick thing {number}"
        assert episode.metadata["family"] == "pick"
        assert episode.metadata["control_hz"] == 3
        assert episode.metadata["success"]
        assert episode.metadata["split"] == ("train" if number < 3 else "val")
    assert "CC BY" in (version / "LICENSE").read_text()


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_without_a_mapping_all_observations_come_in(tmp_path, file_format):
    if file_format == "array_record":
        pytest.importorskip("array_record")
    builder = fake_rlds.Rich(data_dir=str(tmp_path / "in"), file_format=file_format)
    builder.download_and_prepare()
    source = rlds.RldsDataset(builder.data_dir, FieldMapping.parse([], [], "rich"))
    found = list(source.episodes())
    version = import_episodes.import_episodes(
        *(found, tmp_path, "rich", {}),
        action_limits=source.action_limits,
        action_names=source.action_names,
    )
    names = ("closed", "move 0", "move 1", "rotation 0", "rotation 1", "rotation 2")
    assert schema.stored_spec(version).action_names == names
    assert verify.verify(version) == []
    assert source.left_out == (
        "4 episodes of less than two steps: train/1, train/2, val/1, val/2; not read: "
        "'observation/caption', 'observation/natural_language_embedding'"
    )
    assert [len(episode) for episode in found] == [5, 7, 5, 7]
    numbers = (0, 3, 3, 6)
    for number, episode in zip(numbers, found, strict=True):
        rng, steps = np.random.default_rng(number), len(episode)
        written = [fake_rlds.step(rng, t, steps) for t in range(steps)]
        for name in ("front", "hand/rgb", "hand/force", "joints", "objects"):
            leaves = [step["observation"] for step in written]
            for key in name.split("/"):
                leaves = [leaf[key] for leaf in leaves]
            stored = episode.steps[name]
            expected = np.array(leaves, np.float64).reshape(stored.shape)
            assert np.abs(stored - expected).max() < (3 if name == "front" else 1e-6)
        assert set(episode.steps) & {"caption", "natural_language_embedding"} == set()
        actions = [
            [step["action"]["closed"], *step["action"]["move"]]
            + [*step["action"]["rotation"]]
            for step in written
        ]
        assert np.allclose(episode.steps["action"][:-1], actions[:-1])
        assert episode.metadata["instruction"] == "Open the drawer"
        assert episode.metadata["task_id"] == "open_the_drawer"
        assert episode.steps["is_terminal"][-1]
        assert episode.steps["reward"][-2] == 1


def test_an_import_is_the_same_whenever_it_is_made(foreign, tmp_path):
    first, second = (_imported(foreign, tmp_path / name) for name in "ab")
    shards = [sorted(version.glob("*.tfrecord*")) for version in (first, second)]
    assert [p.read_bytes() for p in shards[0]] == [p.read_bytes() for p in shards[1]]


def test_what_does_not_fit_is_refused(foreign, tmp_path):
    root = tmp_path / "out"
    with pytest.raises(UserError, match="observation/effector"):
        _imported(foreign, root, ("state=observation/joints", *_MAPS[2:4]))
    with pytest.raises(UserError, match="both set and mapped"):
        _imported(foreign, root, sets=(*_SETS, "object_set=a"))
    with pytest.raises(UserError, match="not a TFDS dataset"):
        _imported(tmp_path, root)
    with pytest.raises(UserError):
        _imported(foreign, root, ("state=language_instruction", *_MAPS[2:4]))
    assert not list(root.glob("*/*/*.json"))


def test_the_command(foreign, tmp_path, capsys):
    maps = [f"--map={text}" for text in _MAPS] + [f"--set={text}" for text in _SETS]
    command = ["import", str(foreign), "--format=rlds", "--name=kitchen_robot", *maps]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*command, f"--out={tmp_path}"])
    assert stopped.value.code == 0, capsys.readouterr().err
    assert verify.verify(tmp_path / "kitchen_robot") == []


class _Unusual(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Images of several kinds, no reward, and success beside the steps."""

    VERSION = tfds.core.Version("0.1.0")
    name = "unusual_robot"

    def _info(self):
        f = tfds.features
        step = {
            "observation": {
                "gray": f.Image(shape=(16, 24, 1)),
                "rgba": f.Image(shape=(16, 24, 4)),
                "any": f.Image(shape=(None, None, 3)),
                "depth": f.Image(shape=(16, 24, 1), dtype=np.uint16),
                "stack": f.Sequence(f.Image(shape=(8, 8, 3)), length=2),
                "pair": f.Sequence(np.float32, length=2),
            },
            "proprio": f.Tensor(shape=(2,), dtype=np.float32),
            "packed": f.Tensor(shape=(6,), dtype=np.float64, encoding="zlib"),
            "action": f.Tensor(shape=(2,), dtype=np.float32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=f.FeaturesDict(
                {
                    "steps": f.Dataset(step),
                    "episode_metadata": {
                        "success": np.bool_,
                        "packed": f.Tensor(shape=(), dtype=np.int64, encoding="zlib"),
                    },
                }
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(2):
            steps = [
                {
                    "observation": {
                        "gray": np.full((16, 24, 1), 10 * t, np.uint8),
                        "rgba": np.full((16, 24, 4), 255, np.uint8),
                        "any": np.full((20, 40, 3), 10 * t, np.uint8),
                        "depth": np.full((16, 24, 1), 1000 * t, np.uint16),
                        "stack": [np.zeros((8, 8, 3), np.uint8)] * 2,
                        "pair": [0.0, 1.0],
                    },
                    "proprio": np.full(2, t, np.float32),
                    "packed": np.full(6, 0.5, np.float64),
                    "action": np.full(2, t / 4, np.float32),
                }
                for t in range(5)
            ]
            yield (
                number,
                {
                    "steps": steps,
                    "episode_metadata": {"success": number == 0, "packed": 7},
                },
            )


@pytest.fixture(scope="module")
def unusual(tmp_path_factory):
    builder = _Unusual(data_dir=str(tmp_path_factory.mktemp("unusual")))
    builder.download_and_prepare()
    return builder.data_dir


def test_images_of_all_channels_and_success_without_rewards(unusual, tmp_path):
    mapping = FieldMapping.parse([], [], "unusual", ImageForm(pixels=8))
    source = rlds.RldsDataset(unusual, mapping)
    version = import_episodes.import_episodes(
        source.episodes(), tmp_path, "unusual", {}, action_limits=None
    )
    assert verify.verify(version) == []
    assert source.left_out == "not read: 'observation/pair', 'observation/stack'"
    found = list(reader.iterate_episodes(version))
    assert sorted(e.metadata["success"] for e in found) == [False, True]
    for episode in found:
        assert episode.steps["reward"][-2] == episode.metadata["success"]
        for name in ("gray", "any"):
            assert episode.steps[name].shape == (5, 8, 8, 3)
            assert (episode.steps[name][:, 4, 4, 0] == np.arange(5) * 10).all()
        assert (episode.steps["rgba"] == 255).all()
        assert (episode.steps["depth"][:, 0, 0, 0] == np.arange(5) * 1000).all()


def test_observations_outside_of_observation_keep_the_last_action(unusual, tmp_path):
    maps = ("state=proprio", "action=action")
    version = _imported(unusual, tmp_path, maps, last_action_counts=True)
    for episode in reader.iterate_episodes(version):
        assert episode.steps["state"][:, 0].tolist() == [0, 1, 2, 3, 4, 4]
        assert episode.steps["action"][:-1, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]


class _Expanding:
    def decompress(self, data, size):
        return bytes(size)


def test_tensors_with_zlib_are_unpacked_to_their_size_only(unusual, tmp_path):
    maps = ("state=packed", "action=action")
    for episode in reader.iterate_episodes(_imported(unusual, tmp_path, maps)):
        assert (episode.steps["state"] == 0.5).all()
    beside = ("state=proprio", "trial_index=episode_metadata/packed")
    for episode in reader.iterate_episodes(_imported(unusual, tmp_path / "b", beside)):
        assert episode.metadata["trial_index"] == 7
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "decompressobj", lambda: _Expanding())
        with pytest.raises(UserError, match="is not of shape"):
            _imported(unusual, tmp_path / "c", beside)
    feature = tfds.features.Tensor(shape=(6,), dtype=np.float64, encoding="zlib")
    for size in (8, 48 << 20):
        with pytest.raises(ValueError, match="not of shape"):
            rlds_feature.require_small(feature, zlib.compress(bytes(size)))


def test_hostile_folders_are_refused(unusual, tmp_path):
    maps = ("image=observation/any", "action=action")
    with pytest.raises(UserError, match="stack of images"):
        _imported(unusual, tmp_path / "out", ("image=observation/stack", maps[1]))
    (shard,) = pathlib.Path(unusual).glob("*.tfrecord*")
    for make, message in (
        (lambda at: at.write_bytes(_with_claimed_size(shard)), "10000 × 10000 pix"),
        (os.mkfifo, "no regular file"),
        (lambda at: at.symlink_to(shard), "leads out"),
    ):
        folder = tmp_path / "in" / "0.1.0"
        shutil.copytree(unusual, folder)
        (folder / shard.name).unlink()
        make(folder / shard.name)
        with pytest.raises(UserError, match=message):
            _imported(folder, tmp_path / "out", maps)
        shutil.rmtree(folder)
    assert not list((tmp_path / "out").glob("*/*/*.json"))


def _with_claimed_size(shard):
    """The bytes of a shard whose images of 40 × 20 pixels claim a giant size."""
    true, false = (
        b"IHDR" + struct.pack(">II", *size) + b"\x08\x02\0\0\0"
        for size in ((40, 20), (10**4, 10**4))
    )
    result = b""
    for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
        assert true in record
        record = record.replace(
            struct.pack(">I", zlib.crc32(true)), struct.pack(">I", zlib.crc32(false))
        )
        result += tfrecord.frame(record.replace(true, false))
    return result
