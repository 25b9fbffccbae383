"""Whatever is wrong with a dataset is found, named, and never a crash."""

import json
import os
import pathlib
import random
import shutil
import time

import numpy as np
import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.format import tfrecord
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, location, publish
from wtl.datasets.storage.files import map_file
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.storage.verify import verify
from wtl.datasets.testing.fakes import SPEC, fake_episode

_DEMOS = [
    fake_episode(index, transitions=4, split=("train", "test")[index % 2])
    for index in range(6)
]


def _trial(index, parents, role="trial", **metadata):
    return fake_episode(
        index,
        transitions=4,
        dataset=fields.WTL_TRIALS,
        role=role,
        success=index % 2 == 0,
        parent_demo_ids=parents,
        **metadata,
    )


_TRIALS = [_trial(index, (_DEMOS[index].id,)) for index in range(5)]
_TRIALS.append(_trial(9, (_DEMOS[0].id,), "retrial", parent_trial_ids=(_TRIALS[0].id,)))


def _write(root, name, episodes):
    with StagingWriter(root / f"staged_{name}", SPEC) as writer:
        writer.append(episodes)
    return publish.publish(
        root / f"staged_{name}", root, name, "1.0.0", SPEC, {}, shard_bytes=10_000
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    _write(root, fields.WTL_DEMOS, _DEMOS)
    _write(root, fields.WTL_TRIALS, _TRIALS)
    return root


@pytest.fixture
def root(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def _demos(root) -> pathlib.Path:
    return root / fields.WTL_DEMOS / "1.0.0"


def _trials(root) -> pathlib.Path:
    return root / fields.WTL_TRIALS / "1.0.0"


def _shards(path) -> list[pathlib.Path]:
    return sorted(path.glob("*.tfrecord-*"))


def _reseal(path):
    """Makes checksums.json fit again, so that only the content is wrong."""
    files = {
        file.name: checksums.checksum(file)
        for file in path.iterdir()
        if file.name != fields.CHECKSUMS_FILE
    }
    (path / fields.CHECKSUMS_FILE).write_bytes(checksums.render(files))


def _rewrite(shard, change):
    """Replaces the payloads of a shard by `change` of them, and reseals."""
    payloads = [bytes(r.payload) for r in tfrecord.scan(map_file(shard))]
    shard.write_bytes(b"".join(map(tfrecord.frame, change(payloads))))
    _reseal(shard.parent)


def _one(problems) -> str:
    assert len(problems) == 1, [str(problem) for problem in problems]
    line = str(problems[0])
    assert "\n" not in line
    return line


def test_sound_datasets_have_no_problem(root):
    assert verify(_demos(root)) == []
    assert verify(_trials(root)) == []
    assert verify(root / fields.WTL_TRIALS) == []


def test_a_dataset_without_its_description_is_not_taken_for_none(root):
    (_demos(root) / fields.INFO_FILE).unlink()
    lines = [str(problem) for problem in verify(_demos(root))]
    assert "dataset_info.json: cannot be read" in lines[0]


def test_a_dataset_does_not_pass_for_a_policy(root):
    shard = _shards(_demos(root))[0]
    shard.write_bytes(shard.read_bytes()[:-3])
    (_demos(root) / fields.POLICY_FILE).write_text("{}")
    _reseal(_demos(root))
    assert any(shard.name in str(problem) for problem in verify(_demos(root)))


def test_a_missing_dataset_is_a_problem(tmp_path):
    assert "no dataset at" in _one(verify(tmp_path / "wtl_demos" / "1.0.0"))


def test_a_flipped_byte_names_shard_and_episode(root):
    shard = _shards(_demos(root))[0]
    first, second = list(tfrecord.scan(map_file(shard)))[:2]
    data = bytearray(shard.read_bytes())
    names = [
        e.id for e in _DEMOS if encode(e) in (bytes(first.payload), second.payload)
    ]
    # In the bytes of a state, where the Example stays well-formed.
    data[bytes(data).index(b"observation/state", second.offset) + 40] ^= 1
    shard.write_bytes(data)
    lines = [str(problem) for problem in verify(_demos(root))]
    assert len(lines) == 2
    assert all(str(_demos(root)) in line and shard.name in line for line in lines)
    assert "do not fit its checksum" in lines[0]
    assert sorted(names)[1] in lines[1]
    _reseal(_demos(root))
    assert sorted(names)[1] in _one(verify(_demos(root)))


def test_a_truncated_shard_is_found_even_if_resealed(root):
    shard = _shards(_demos(root))[0]
    shard.write_bytes(shard.read_bytes()[:-3])
    _reseal(_demos(root))
    lines = [str(problem) for problem in verify(_demos(root))]
    assert any("cut off or damaged at byte" in line for line in lines)
    assert any("episodes instead of" in line for line in lines)


def test_a_wrong_count_is_found(root):
    file = _demos(root) / fields.INFO_FILE
    info = json.loads(file.read_text())
    info["splits"][0]["shardLengths"][0] = "17"
    file.write_text(json.dumps(info))
    _reseal(_demos(root))
    assert "episodes instead of 17" in _one(verify(_demos(root)))


def test_a_missing_link_is_named(root):
    gone = _TRIALS[3].metadata[fields.PARENT_DEMO_IDS][0]
    for shard in _shards(_demos(root)):
        _rewrite(shard, lambda ps: [p for p in ps if gone.encode() not in p])
    lines = [str(problem) for problem in verify(_trials(root))]
    assert len(lines) == 1
    assert gone in lines[0] and _TRIALS[3].id in lines[0]
    assert fields.PARENT_DEMO_IDS in lines[0]


def test_links_need_their_parents(root):
    _shards(_demos(root))[0].write_bytes(b"damaged")
    lines = [str(problem) for problem in verify(_trials(root))]
    assert any("cannot be looked up" in line for line in lines)
    shutil.rmtree(root / fields.WTL_DEMOS)
    lines = [str(problem) for problem in verify(_trials(root))]
    assert len(lines) == 5


def _with_step(index, name, at, value):
    steps = {key: array.copy() for key, array in _DEMOS[index].steps.items()}
    steps[name][at] = value
    return Episode(steps, _DEMOS[index].metadata)


def _with_metadata(index, **metadata):
    return Episode(_DEMOS[index].steps, {**_DEMOS[index].metadata, **metadata})


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_with_step(0, "action", (1, 0), -1.25), "action -1.25 on axis 0 at step 1"),
        (_with_step(0, "state", (2, 3), np.nan), "'state' is not finite at step 2"),
        (_with_step(0, "physics_state", (0, 0), np.inf), "not finite"),
        (_with_step(0, "is_first", 1, True), "is_first"),
        (_with_step(0, "is_last", -1, False), "is_last"),
        (_with_step(0, "timestamp", 2, 0.1), "timestamps do not ascend at step 2"),
        (_with_step(0, "timestamp", ..., 1.7e9), "timestamps do not ascend at step 1"),
        (_with_metadata(0, control_hz=20.0), "but timestamps are 0.1 s apart"),
        (_with_step(0, "reward", -2, 0), "success is True but"),
        (_with_metadata(0, success=False), "success is False but"),
        (_with_metadata(0, split="val"), "is of split 'val' but lies in"),
        (_with_metadata(0, role="trial"), "is not of role 'trial'"),
        (_with_metadata(0, role="nonsense"), "role 'nonsense'"),
        (_with_metadata(0, task_id="another"), "is not of task 'another'"),
        (_with_metadata(0, parent_trial_ids=("nobody",)), "names 'nobody'"),
        (fake_episode(0, transitions=4, episode_id=_DEMOS[2].id, task_id=_DEMOS[2]
                      .metadata["task_id"]), "is there 2 times"),
    ],
)  # fmt: skip
def test_a_broken_episode_is_named(root, broken, message):
    original = encode(_DEMOS[0])
    shards = [s for s in _shards(_demos(root)) if original in s.read_bytes()]
    _rewrite(shards[0], lambda ps: [encode(broken) if p == original else p for p in ps])
    line = _one(verify(_demos(root)))
    assert message in line and broken.id in line


def test_an_invalid_episode_may_contradict_its_reward(root):
    original, broken = encode(_DEMOS[0]), _with_metadata(0, success=False, invalid=True)
    for shard in _shards(_demos(root)):
        _rewrite(shard, lambda ps: [encode(broken) if p == original else p for p in ps])
    assert verify(_demos(root)) == []


def test_files_that_are_missing_or_extra_are_named(root):
    (_demos(root) / "LICENSE").unlink()
    (_demos(root) / "wtl_demos-val.tfrecord-00000-of-00001").write_bytes(b"")
    lines = [str(problem) for problem in verify(_demos(root))]
    assert len(lines) == 2
    assert "LICENSE: cannot be read" in lines[0]
    assert "does not belong" in lines[1]


def test_checksums_cannot_be_altered_unnoticed(root):
    file = _demos(root) / fields.CHECKSUMS_FILE
    data = file.read_bytes()
    assert checksums.fingerprint(_demos(root)).encode() in data
    for at in range(0, len(data), 7):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert verify(_demos(root)), at
    file.write_bytes(data.replace(b'"fingerprint": "', b'"fingerprint": "0', 1))
    assert "has been altered" in _one(verify(_demos(root)))


@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
@pytest.mark.parametrize("name", ["LICENSE", fields.INFO_FILE, "shard", "extra"])
def test_only_regular_files_are_opened(root, tmp_path, kind, name):
    path = _demos(root) / name
    if name == "shard":
        path = _shards(_demos(root))[0]
    (tmp_path / "outside").write_bytes(path.read_bytes() if path.exists() else b"")
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else tmp_path / "outside")
    lines = [str(problem) for problem in verify(_demos(root))]
    assert any(path.name in line and "is " in line for line in lines), lines


@pytest.mark.parametrize(
    "change",
    [
        lambda info: info.update(name="../../wtl_trials/1.0.0/wtl_trials"),
        lambda info: info.update(name="/etc/passwd"),
        lambda info: info.update(name=""),
        lambda info: info.update(name="a\nb"),
        lambda info: info.update(version="../1.0.0"),
        lambda info: info["splits"][0].update(name="../train"),
        lambda info: info["splits"][0].update(filepathTemplate="../{SPLIT}"),
        lambda info: info["splits"][0].update(shardLengths=[1e999]),
        lambda info: info["splits"][0].update(shardLengths=[2, -1]),
    ],
)
def test_names_in_the_description_are_no_paths(root, change):
    path = _demos(root) / fields.INFO_FILE
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))
    _reseal(_demos(root))
    assert fields.INFO_FILE in _one(verify(_demos(root)))
    with pytest.raises(DatasetDamagedError, match=fields.INFO_FILE):
        reader.read(_demos(root))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_damaged_provenance_is_one_error(root, text):
    (_demos(root) / fields.PROVENANCE_FILE).write_text(text)
    with pytest.raises(DatasetDamagedError, match=fields.PROVENANCE_FILE):
        location.read_provenance(_demos(root))
    (_demos(root) / fields.PROVENANCE_FILE).unlink()
    assert location.read_provenance(_demos(root)) == {}


def test_no_more_episodes_are_read_than_fit_a_file(root):
    path = _demos(root) / fields.INFO_FILE
    info = json.loads(path.read_text())
    info["splits"][0]["shardLengths"][0] = 10**15
    path.write_text(json.dumps(info))
    with pytest.raises(DatasetDamagedError, match="too small for 10"):
        reader.read(_demos(root))


def test_shards_without_a_checksum_are_not_read(root):
    known = checksums.read(_demos(root))
    del known[_shards(_demos(root))[0].name]
    (_demos(root) / fields.CHECKSUMS_FILE).write_bytes(checksums.render(known))
    assert "does not belong" in _one(verify(_demos(root)))
    with pytest.raises(DatasetDamagedError, match="has no checksum"):
        reader.read(_demos(root))


def test_shards_that_the_description_leaves_out_are_named(root):
    path = _demos(root) / fields.INFO_FILE
    info = json.loads(path.read_text())
    info["splits"][-1]["shardLengths"] = []
    path.write_text(json.dumps(info))
    _reseal(path.parent)
    left_out = [p for p in verify(path.parent) if "does not name it" in str(p)]
    assert [problem.file for problem in left_out] == [
        shard.name
        for shard in _shards(path.parent)
        if f"-{info['splits'][-1]['name']}." in shard.name
    ]


def test_checksums_of_many_files_are_read_at_once():
    entry = checksums.FileChecksum("0" * 64, 1)
    data = checksums.render({f"folder/{index:06}": entry for index in range(40_000)})
    start = time.process_time()
    assert len(checksums.parse(data, "")) == 40_000
    assert time.process_time() - start < 5  # half a minute where each reads all


def _corrupt(path: pathlib.Path, rng: random.Random) -> str:
    """Damages one file of a dataset in some way, and tells which."""
    file, other = rng.sample(sorted(path.iterdir()), 2)
    data = bytearray(file.read_bytes())
    way = rng.choice(_WAYS)
    at = rng.randrange(len(data))
    if way == "flip":
        data[at] = (data[at] + rng.randrange(1, 256)) % 256
    elif way == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif way == "cut":
        del data[at:]
    elif way == "grow":
        data += rng.randbytes(rng.randrange(1, 40))
    elif way == "insert":
        data[at:at] = rng.randbytes(rng.randrange(1, 40))
    elif way == "block":
        data[at : at + 64] = bytes(b ^ 0xFF for b in data[at : at + 64])
    elif way == "empty":
        data.clear()
    elif way == "noise":
        data[:] = rng.randbytes(len(data))
    elif way == "swap":
        size = min(len(data) // 2, 50)
        data[:size], data[-size:] = data[-size:], data[:size]
    if way in ("gone", "folder", "link to itself"):
        file.unlink()
        if way == "folder":
            file.mkdir()
        elif way == "link to itself":
            file.symlink_to(file.name)
    elif way == "exchange":
        file.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif way == "extra":
        (path / f"{file.name}.copy").write_bytes(data)
    else:
        assert bytes(data) != file.read_bytes()
        file.write_bytes(data)
    return f"{way} of {file.name} at {at}"


_WAYS = ("flip", "flip", "flip", "bit", "bit", "cut", "cut", "grow", "insert", "block")
_WAYS += ("empty", "noise", "swap", "gone", "folder", "link to itself", "exchange")
_WAYS += ("extra",)


@pytest.mark.parametrize("seed", range(8))
def test_no_random_corruption_passes_silently(sound, tmp_path, seed):
    rng = random.Random(seed)
    name = (fields.WTL_DEMOS, fields.WTL_TRIALS)[seed % 2]
    for number in range(30):
        root = tmp_path / str(number)
        shutil.copytree(sound, root)
        path = root / name / "1.0.0"
        what = _corrupt(path, rng)
        problems = verify(path)
        assert problems, what
        for problem in problems:
            assert str(problem).startswith(str(path)) and "\n" not in str(problem)
        # It is named: the file, or the checksums that can no longer be trusted.
        file = what.split(" of ")[1].split(" at ")[0]
        named = " ".join(map(str, problems))
        assert file in named or fields.CHECKSUMS_FILE in named, what


@pytest.mark.parametrize("seed", range(4))
def test_no_corruption_of_a_shard_passes_even_if_resealed(sound, tmp_path, seed):
    rng = random.Random(seed)
    for number in range(20):
        path = tmp_path / str(number) / fields.WTL_DEMOS / "1.0.0"
        shutil.copytree(_demos(sound), path)
        shard = rng.choice(_shards(path))
        data = bytearray(shard.read_bytes())
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        shard.write_bytes(data)
        _reseal(path)
        assert verify(path), number


def test_no_damage_to_a_payload_crashes_it(sound, tmp_path):
    # Framed and sealed anew, so that the damage reaches the decoder.
    rng = random.Random(7)
    found = 0
    for number in range(60):
        path = tmp_path / str(number) / fields.WTL_DEMOS / "1.0.0"
        shutil.copytree(_demos(sound), path)

        def damage(payloads):
            broken = bytearray(payloads[0])
            broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
            return [bytes(broken), *payloads[1:]]

        _rewrite(rng.choice(_shards(path)), damage)
        found += bool(verify(path))
    # A changed digit of a state is as good as any other; most else is noticed.
    assert found >= 10


def test_no_change_of_the_descriptions_crashes_it(sound, tmp_path):
    rng = random.Random(3)
    for number in range(40):
        path = tmp_path / str(number) / fields.WTL_DEMOS / "1.0.0"
        shutil.copytree(_demos(sound), path)
        file = path / rng.choice((fields.FEATURES_FILE, fields.INFO_FILE))
        data = bytearray(file.read_bytes())
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(32, 127)
        file.write_bytes(data)
        _reseal(path)
        verify(path)
    assert location.versions(path.parent)
