"""Episodes, their ids and their bytes."""

import dataclasses
import pathlib
import random
import subprocess
import sys

import numpy as np
import pytest
from tensorflow_datasets.core import example_serializer

from wtl.datasets.contract import fields, metadata
from wtl.datasets.contract.episode import Episode, EpisodeError, episode_id, validate
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import schema
from wtl.datasets.format.decoding import DecodeError, decode, decode_metadata
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading.store import stack
from wtl.datasets.testing.fakes import SPEC, fake_episode


def _changed(episode, step=None, value=None, **meta):
    steps = dict(episode.steps)
    if step:
        steps[step] = value
    return Episode(steps, {**episode.metadata, **meta})


def assert_equal(found: Episode, expected: Episode):
    assert found.metadata == expected.metadata
    assert found.steps.keys() == expected.steps.keys()
    for name, array in expected.steps.items():
        assert found.steps[name].dtype == array.dtype, name
        assert found.steps[name].tobytes() == array.tobytes(), name


def test_build_aligns_steps_as_rlds_does():
    episode = Episode.build(
        observations={"state": np.ones((4, 7))},
        action=np.full((3, 3), 0.5),
        reward=[0, 0, 1],
        physics_state=np.zeros((4, 4)),
        terminal=True,
        control_hz=20.0,
        hidden_target=2,
        **{
            name: fake_episode().metadata[name]
            for name, field in metadata.METADATA.items()
            if field.default is metadata.REQUIRED
        },
    )
    validate(episode, SPEC)
    assert len(episode) == 4
    assert episode.steps["action"].tolist() == [[0.5] * 3] * 3 + [[0] * 3]
    assert episode.steps["reward"].tolist() == [0, 0, 1, 0]
    assert episode.steps["discount"].tolist() == [1, 1, 0, 0]
    assert episode.steps["is_first"].tolist() == [True, False, False, False]
    assert episode.steps["is_last"].tolist() == [False, False, False, True]
    assert episode.steps["is_terminal"].tolist() == [False, False, False, True]
    np.testing.assert_allclose(episode.steps["timestamp"], [0, 0.05, 0.1, 0.15])
    assert episode.metadata["hidden/target"] == 2
    assert episode.metadata["parent_demo_ids"] == ()


def test_build_names_a_missing_field():
    with pytest.raises(EpisodeError, match="'task_id' is missing"):
        Episode.build(
            observations={"state": np.ones((2, 7))},
            action=np.ones((1, 3)),
            reward=[0],
            physics_state=np.ones((2, 4)),
            episode_id="x",
        )


def _with(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("step", "change", "message"),
    [
        (
            "state",
            lambda a: _with(a, (2, 1), np.nan),
            "'state' is not finite at step 2",
        ),
        ("physics_state", lambda a: _with(a, 0, np.inf), "not finite at step 0"),
        ("action", lambda a: _with(a, (1, 2), 1.5), "1.5 on axis 2 at step 1"),
        ("action", lambda a: _with(a, (-1, 0), 0.1), "last step's action"),
        ("action", lambda a: a[:, :2], r"has shape \[6, 2\] instead of \[6, 3\]"),
        ("state", lambda a: a[0], "has shape"),
        ("state", lambda a: a[:-1], r"has shape \[6, 3\]"),
        ("state", lambda a: a.astype(np.float64), "must be float32, not float64"),
        ("physics_state", lambda a: a.astype(np.float32), "must be float64"),
        ("reward", lambda a: list(a), "must be float32, not list"),
        ("discount", lambda a: a * 2, "discount"),
        ("is_first", lambda a: ~a, "is_first"),
        ("is_last", lambda a: _with(a, 0, True), "is_last"),
        ("is_terminal", lambda a: _with(a, 0, True), "is_terminal"),
        ("timestamp", lambda a: a[::-1].copy(), "do not ascend at step 1"),
        ("extra", lambda a: None, "unknown step field 'extra'"),
    ],
)
def test_validate_names_the_fault_in_steps(step, change, message):
    episode = fake_episode()
    broken = _changed(episode, step, change(episode.steps.get(step)))
    with pytest.raises(EpisodeError, match=message) as caught:
        validate(broken, SPEC)
    assert episode.id in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validate_names_a_missing_step_field_and_a_lone_step():
    episode = fake_episode()
    steps = {key: value for key, value in episode.steps.items() if key != "reward"}
    with pytest.raises(EpisodeError, match="'reward' is missing"):
        validate(Episode(steps, episode.metadata), SPEC)
    steps = {key: value[-1:] for key, value in episode.steps.items()}
    with pytest.raises(EpisodeError, match="no transition"):
        validate(Episode(steps, episode.metadata), SPEC)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("role", "tutorial", "role"),
        ("split", "dev", "split"),
        ("success", 1, "must be bool"),
        ("scene_seed", 1.5, "must be int64"),
        ("scene_seed", 2**63, "must be int64"),
        ("trial_index", 2**31, "must be int32"),
        ("trial_index", True, "must be int32"),
        ("control_hz", 0.0, "not positive"),
        ("control_hz", float("nan"), "must be float32"),
        ("notes", b"bytes", "must be text"),
        ("notes", "\ud800", "must be text"),
        ("parent_demo_ids", "one", "must be texts"),
        ("task_id", "other-task", "is not of task 'other-task'"),
        ("episode_id", "0001", "is not of the form"),
        ("colour", "red", "unknown metadata field 'colour'"),
    ],
)
def test_validate_names_the_fault_in_metadata(name, value, message):
    with pytest.raises(EpisodeError, match=message):
        validate(_changed(fake_episode(), **{name: value}), SPEC)


def test_episode_id_is_pure_and_tells_arguments_apart():
    base = dict(dataset="wtl_demos", task_id="a/b-c", role="demo", index=3, seed=4)
    name = episode_id(**base)
    assert name == episode_id(**base)
    # Pinned: ids of existing datasets must stay what they are.
    assert name == "wtl_demos-demo-a_b_c-00003-" + name[-16:]
    others = [
        {"dataset": "wtl_trials"},
        {"task_id": "a_b_c"},  # The same once it is made fit for a file name.
        {"role": "trial"},
        {"index": 4},
        {"seed": 5},
    ]
    names = {name} | {episode_id(**{**base, **other}) for other in others}
    assert len(names) == 1 + len(others)


def test_encoding_is_what_tfds_writes():
    rich = fake_episode(
        3,
        parent_demo_ids=("one", "zwei", "drei€"),
        scene_seed=-(2**60),
        notes="n" * 300,
        hidden_friction=0.3,
        hidden_rule="position:left",
    )
    faulty = dataclasses.replace(SPEC, gains_size=3)
    gains = (-1.5, 2.0, 0.1)
    for episode, spec in (
        (rich, SPEC),
        (fake_episode(1, transitions=200), SPEC),
        (fake_episode(1, faulty, hidden_gains=gains), faulty),
    ):
        features = schema.features(spec)
        encoded = features.encode_example(schema.example(episode))
        serializer = example_serializer.ExampleSerializer(
            features.get_serialized_info()
        )
        expected = serializer.get_tf_example(encoded)
        assert encode(episode) == expected.SerializeToString(deterministic=True)


def test_decoding_gives_the_episode_back():
    for transitions in (1, 5, 130):
        episode = fake_episode(transitions, transitions=transitions, scene_seed=-5)
        found = decode(encode(episode), SPEC)
        assert found.metadata["hidden/friction"] == -1.0
        assert_equal(found, episode)
        found.steps["state"][0] = 0  # A copy, not a view of the file.
    assert decode_metadata(encode(episode), [fields.SCENE_SEED]) == {"scene_seed": -5}


def test_hidden_gains_are_there_where_the_spec_says_so():
    spec = dataclasses.replace(SPEC, gains_size=2)
    episode = fake_episode(0, spec, hidden_gains=(-1.5, 2.0))
    assert_equal(decode(encode(episode), spec), episode)
    store = stack([episode, fake_episode(1, spec, hidden_gains=(1.0, 0.5))])
    np.testing.assert_array_equal(store[fields.HIDDEN_GAINS], [[-1.5, 2], [1, 0.5]])
    wider = dataclasses.replace(SPEC, gains_size=3)
    for payload, other in (
        (encode(episode), SPEC),
        (encode(episode), wider),
        (encode(fake_episode()), spec),
    ):
        with pytest.raises(DecodeError, match="hidden/gains"):
            decode(payload, other)
    for broken in ((-1.5,), (-1.5, float("nan")), (-1.5, "2")):
        with pytest.raises(EpisodeError, match="hidden/gains"):
            validate(_changed(episode, **{fields.HIDDEN_GAINS: broken}), spec)


def test_decoding_refuses_another_spec():
    payload = encode(fake_episode())
    for change in (
        {"observations": observed(8)},
        {"action_size": 4},
        {"physics_size": 5},
    ):
        with pytest.raises(DecodeError):
            decode(payload, dataclasses.replace(SPEC, **change))


def test_decoding_never_crashes_on_damage():
    payload = encode(fake_episode())
    rng = random.Random(0)
    refused = 0
    for _ in range(3000):
        broken = bytearray(payload)
        for _ in range(rng.choice((1, 1, 4))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        if rng.random() < 0.3:
            del broken[rng.randrange(len(broken)) :]
        try:
            decode(bytes(broken), SPEC)
        except DecodeError:
            refused += 1
    assert refused > 1000


def test_workers_and_fields_need_no_tensorflow():
    code = (
        "import wtl.datasets.contract.fields, sys; assert 'numpy' not in sys.modules\n"
        "from wtl.datasets.contract import episode\n"
        "from wtl.datasets.storage import staging, verify\n"
        "assert 'tensorflow' not in sys.modules"
    )
    root = pathlib.Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
