"""Curated versions: chosen episodes, byte for byte, and nothing half-made or mixed."""

import collections
import dataclasses
import json

import numpy as np
import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.curation import curate, metadata_filter
from wtl.datasets.curation.curation import Curation
from wtl.datasets.format import decoding, images
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, location, publish, verify
from wtl.datasets.storage.location import DatasetDamagedError
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_FAMILIES = ("lift", "grasp", "push")
_SPLIT_OF = {f"set{n:04d}": s for n, s in enumerate(["train"] * 4 + ["val", "test"])}


def _episode(index, spec=SPEC, **metadata):
    family = _FAMILIES[index % 3]
    object_set = f"set{index % 6:04d}"
    return fake_episode(
        index,
        spec,
        **{
            "family": family,
            "object_set": object_set,
            "task_id": f"{object_set}-{family}",
            "split": _SPLIT_OF[object_set],
            "success": index % 2 == 0,
        }
        | metadata,
    )


def _published(root, episodes, spec=SPEC, name=fields.WTL_DEMOS, **options):
    with StagingWriter(root / "staged", spec) as writer:
        writer.append(episodes)
    return publish.publish(root / "staged", root, name, "1.0.0", spec, {}, **options)


@pytest.fixture
def source(tmp_path):
    episodes = [_episode(index) for index in range(24)]
    return _published(tmp_path / "in", episodes, license_text="Only on\n\nSundays.\n")


def _payloads(version):
    return {
        decoding.episode_id(record.payload): bytes(record.payload)
        for record in reader.iterate_records(version, check=True)
    }


def _where(*texts):
    return [metadata_filter.parse(text) for text in texts]


def _nothing_in(root):
    return not list(root.glob("*/*/*.json"))


def test_filter_keeps_what_fulfils_every_condition(source, tmp_path):
    made = curate.filter_episodes(
        Curation([source], tmp_path / "out"),
        _where("family=grasp,push", "success=true"),
    )
    kept = _payloads(made.path)
    assert kept
    expected = {
        e.id
        for e in reader.iterate_episodes(source)
        if e.metadata["family"] != "lift" and e.metadata["success"]
    }
    assert set(kept) == expected
    assert kept.items() <= _payloads(source).items()
    assert (made.kept, made.seen) == (len(expected), 24)
    assert verify.verify(made.path) == []
    provenance = json.loads((made.path / fields.PROVENANCE_FILE).read_text())
    assert provenance["parents"] == [
        {"dataset": "wtl_demos/1.0.0", "fingerprint": checksums.fingerprint(source)}
    ]
    assert provenance["conditions"][0]["values"] == ["grasp", "push"]
    for file in (fields.LICENSE_FILE,):
        assert (made.path / file).read_bytes() == (source / file).read_bytes()


def test_a_mistyped_value_is_named(source, tmp_path):
    curation = Curation([source], tmp_path / "out")
    with pytest.raises(UserError, match="no episode .*did you mean 'grasp'"):
        curate.filter_episodes(curation, _where("success=true", "family=grsp"))


def test_hidden_gains_come_along(tmp_path):
    spec = dataclasses.replace(SPEC, gains_size=3)
    source = _published(tmp_path / "in", [_episode(i, spec) for i in range(6)], spec)
    made = curate.filter_episodes(
        Curation([source], tmp_path / "out"), _where("success=true")
    )
    assert len(_payloads(made.path)) == 3
    assert _payloads(made.path).items() <= _payloads(source).items()
    assert verify.verify(made.path) == []
    for gains in reader.read(made.path, "train")[fields.HIDDEN_GAINS]:
        assert gains.shape == (3,)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("family!=lift", lambda m: m["family"] != "lift"),
        ("scene_seed=3,5", lambda m: m["scene_seed"] in (3, 5)),
        ("control_hz=0.3", lambda m: abs(m["control_hz"] - 0.3) < 1e-6),
        ("parent_demo_ids=b", lambda m: "b" in m["parent_demo_ids"]),
        ("parent_demo_ids!=b", lambda m: "b" not in m["parent_demo_ids"]),
        ("notes=", lambda m: m["notes"] == ""),
        ("hidden/target=1", lambda m: m["hidden/target"] == 1),
    ],
)
def test_conditions_on_fields_of_every_type(text, expected):
    episodes = [
        _episode(
            n,
            control_hz=0.3 if n % 2 else 10.0,
            parent_demo_ids=("a", "b") if n % 2 else (),
            notes="x" if n % 2 else "",
        )
        for n in range(6)
    ]
    read = metadata_filter.parse(text)
    stored = [
        e.metadata | {"control_hz": float(np.float32(e.metadata["control_hz"]))}
        for e in episodes
    ]
    found = [read.holds(metadata) for metadata in stored]
    assert found == [expected(metadata) for metadata in stored]
    assert any(found) and not all(found)


def test_a_known_value_may_hold_commas():
    read = metadata_filter.parse(
        "family=open, then close,lift", lambda field, value: value == "open, then close"
    )
    assert read.values == ("open", " then close", "lift")  # lift is unknown
    known = ("open, then close", "lift")
    read = metadata_filter.parse(
        "family=open, then close,lift", lambda field, value: value in known
    )
    assert read.values == known


@pytest.mark.parametrize(
    "text", ["family", "famly=lift", "success=yes", "scene_seed=x", "=3", ""]
)
def test_a_condition_that_means_nothing_is_refused(text):
    with pytest.raises(UserError):
        metadata_filter.parse(text)


def test_lossy_images_are_moved_and_not_encoded_again(tmp_path):
    spec = dataclasses.replace(
        SPEC, observations=observed(7, 16), image_encoding=images.JPEG
    )
    source = _published(tmp_path / "in", [_episode(n, spec) for n in range(6)], spec)
    filtered = curate.filter_episodes(
        Curation([source], tmp_path / "a"), _where("success=true")
    )
    moved = curate.split_by_assignment(
        Curation([source], tmp_path / "b"), {"set0000": "test"}
    )
    before = {e.id: e for e in reader.iterate_episodes(source)}
    for made in (filtered, moved):
        for episode in reader.iterate_episodes(made.path):
            assert (episode.steps["image"] == before[episode.id].steps["image"]).all()


def test_a_filter_that_drops_parents_keeps_their_names(tmp_path):
    demo = _episode(0)
    trial = _episode(6, role="trial", parent_demo_ids=(demo.id,))
    source = _published(tmp_path / "in", [demo, trial])
    made = curate.filter_episodes(
        Curation([source], tmp_path / "out"), _where("role=trial")
    )
    (kept,) = reader.iterate_episodes(made.path)
    assert kept.metadata["parent_demo_ids"] == (demo.id,)
    assert [demo.id in str(p) for p in verify.verify(made.path)] == [True]


def test_versions_are_added_and_none_is_changed(source):
    root = source.parent.parent
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    first = curate.filter_episodes(Curation([source], root), _where("success=true"))
    second = curate.filter_episodes(Curation([source], root), _where("success=false"))
    assert [first.path.name, second.path.name] == ["2.0.0", "3.0.0"]
    notes = location.read_info(second.path)["release_notes"]
    assert list(notes) == ["1.0.0", "2.0.0", "3.0.0"] and all(notes.values())
    assert notes["2.0.0"] in (second.path / fields.CARD_FILE).read_text()
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before
    assert not list(root.glob(".*/staged"))


def test_sample_is_stratified_seeded_and_local_to_a_task(source, tmp_path):
    def draw(where, seed, per_task=2):
        made = curate.sample_episodes(
            Curation([source], tmp_path / where), per_task, seed
        )
        return _payloads(made.path)

    one = draw("a", 1)
    tasks = collections.Counter(name.split("-")[2] for name in one)
    assert set(tasks.values()) == {2} and len(tasks) == 6
    assert one == draw("b", 1)
    assert one != draw("c", 2)
    # Without other tasks, the same is drawn of this one.
    part = curate.filter_episodes(
        Curation([source], tmp_path / "d"), _where("family=lift")
    )
    again = curate.sample_episodes(Curation([part.path], tmp_path / "e"), 2, 1)
    assert _payloads(again.path).items() <= one.items()
    assert len(draw("f", 1, per_task=99)) == 24
    with pytest.raises(UserError):
        draw("g", 1, per_task=0)


def test_merge_of_parts_is_the_whole(source, tmp_path):
    parts = [
        curate.filter_episodes(Curation([source], tmp_path / where), _where(text)).path
        for where, text in [
            ("a", "family=lift"),
            ("b", "family=lift,grasp"),  # overlaps the first
            ("c", "family=push"),
        ]
    ]
    made = curate.merge_datasets(Curation(parts, tmp_path / "out"))
    assert _payloads(made.path) == _payloads(source)
    assert checksums.fingerprint(made.path) == checksums.fingerprint(source)
    provenance = json.loads((made.path / fields.PROVENANCE_FILE).read_text())
    assert [p["fingerprint"] for p in provenance["parents"]] == [
        checksums.fingerprint(part) for part in parts
    ]


def test_merge_refuses_what_is_not_one_dataset(source, tmp_path):
    root = tmp_path / "out"

    def refused(where, episodes, because, spec=SPEC, **options):
        options = {"license_text": "Only on\n\nSundays.\n"} | options
        other = _published(tmp_path / where, episodes, spec, **options)
        with pytest.raises(UserError, match=because):
            curate.merge_datasets(Curation([source, other], root))

    another = _episode(0)
    steps = dict(another.steps) | {fields.STATE: another.steps[fields.STATE] + 1}
    refused("a", [dataclasses.replace(another, steps=steps)], another.id)
    wide = EpisodeSpec(observed(8), action_size=3, physics_size=4)
    refused("b", [_episode(30, wide)], "observation 'state': 8 numbers", wide)
    refused("c", [_episode(30, split="test")], "set0000.*test and train")
    refused("d", [_episode(30)], "licences", license_text="Never.\n")
    refused("e", [_episode(30)], "names", name=fields.WTL_TRIALS)
    assert _nothing_in(root)


def test_split_moves_whole_object_sets(source, tmp_path):
    shares = {"train": 0.5, "val": 1 / 3, "test": 1 / 6}
    made = curate.split_by_fractions(Curation([source], tmp_path / "a"), shares, seed=3)
    split_of = collections.defaultdict(set)
    for episode in reader.iterate_episodes(made.path):
        split_of[episode.metadata["object_set"]].add(episode.metadata["split"])
    assert all(len(found) == 1 for found in split_of.values())
    counts = collections.Counter(min(found) for found in split_of.values())
    assert counts == {"train": 3, "val": 2, "test": 1}
    assert verify.verify(made.path) == []
    same = curate.split_by_fractions(Curation([source], tmp_path / "b"), shares, seed=3)
    assert checksums.fingerprint(same.path) == checksums.fingerprint(made.path)
    before = {e.id: e for e in reader.iterate_episodes(source)}
    after = {e.id: e for e in reader.iterate_episodes(made.path)}
    assert before.keys() == after.keys()
    for name, episode in after.items():
        for field, array in episode.steps.items():
            assert (array == before[name].steps[field]).all()
        assert before[name].metadata | {"split": episode.metadata["split"]} == (
            episode.metadata
        )


def test_split_by_assignment_moves_these_alone(source, tmp_path):
    made = curate.split_by_assignment(
        Curation([source], tmp_path / "a"), {"set0001": "test"}
    )
    for episode in reader.iterate_episodes(made.path):
        name = episode.metadata["object_set"]
        expected = "test" if name == "set0001" else _SPLIT_OF[name]
        assert episode.metadata["split"] == expected
    for wrong in ({"set0099": "test"}, {"set0001": "holdout"}):
        with pytest.raises(UserError):
            curate.split_by_assignment(Curation([source], tmp_path / "b"), wrong)
    for shares in ({"train": 0.9}, {"train": 0.99, "val": 0.01}, {"x": 1.0}):
        with pytest.raises(UserError):
            curate.split_by_fractions(
                Curation([source], tmp_path / "b"), shares, seed=0
            )
    assert _nothing_in(tmp_path / "b")


def test_a_damaged_source_is_not_copied(source, tmp_path):
    (shard,) = source.glob("*train.tfrecord*")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DatasetDamagedError, match="wtl verify"):
        curate.filter_episodes(Curation([source], tmp_path / "out"), _where("notes="))
    assert _nothing_in(tmp_path / "out")


def test_the_commands(source, tmp_path, capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["dataset", *map(str, arguments)])
        return stopped.value.code, capsys.readouterr()

    out = ("--out", tmp_path / "out")
    versions = tmp_path / "out" / "wtl_demos"
    code, shown = run("filter", source, *out, "--where", "family=lift,grasp")
    assert code == 0 and "16 of 24 episodes" in shown.out
    assert run("sample", versions, *out, "--per_task", 1)[0] == 0
    assert run("merge", source, versions / "1.0.0", *out)[0] == 0
    fractions = "train=0.5,val=0.25,test=0.25"
    assert run("split", source, *out, "--fractions", fractions)[0] == 0
    assert run("split", source, *out, "--assign", "test=set0000,set0001")[0] == 0
    assert len(list(versions.iterdir())) == 5
    code, shown = run("filter", source, *out, "--where", "family=pres")
    assert code == 1 and "no episode" in shown.err and "Traceback" not in shown.err
    for wrong in ("--assign=test=set0000", "--fractions=train"):
        assert run("split", source, *out, wrong, "--assign=val=set0000")[0] != 0
    assert len(list(versions.iterdir())) == 5
