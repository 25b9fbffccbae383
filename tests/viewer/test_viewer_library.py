"""Datasets, links and flags that a viewer finds, and their selection."""

import dataclasses

import numpy as np
import pytest
from demonstrating import demonstrate, request
from viewed import SPEC, demonstrated, make_run, published, tried

from wtl.collection.worlds import recognition, registry, scene_renderer
from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import families, model, object_set, restoration
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode, fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.curation import curate
from wtl.datasets.curation.curation import Curation
from wtl.datasets.storage import publish, staging
from wtl.datasets.storage.location import DatasetDamagedError
from wtl.datasets.testing import fakes
from wtl.viewer import api, statistics
from wtl.viewer.library import Library, UnknownEpisodeError
from wtl.viewer.selection import Selection


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view") / "run")


@pytest.mark.parametrize(
    "path, chosen",
    [
        ("", ""),
        ("datasets", ""),
        ("datasets/wtl_trials", "wtl_trials"),
        ("datasets/wtl_demos/1.0.0", "wtl_demos"),
    ],
)
def test_runs_datasets_and_versions_show_what_lies_beside_them_too(run, path, chosen):
    library = Library(run / path)
    assert library.chosen == chosen
    assert set(library.indices) == {"wtl_demos", "wtl_trials"}
    assert len(library) == 18 and library.warnings == []


def test_a_chain_is_found_from_each_of_its_links(run):
    library = Library(run)
    for demo in library.indices["wtl_demos"].rows.values():
        (trial,) = (r for r in library.children(demo) if r["role"] == "trial")
        (retrial,) = library.children(trial)
        for link in (demo, trial, retrial):
            assert library.chain(link) == [demo, trial, retrial]
    with pytest.raises(UnknownEpisodeError, match="no episode 'nobody'"):
        library["nobody"]


def test_policies_have_the_names_of_their_methods(tmp_path):
    run = make_run(tmp_path / "run")
    for name, text in (
        ("mil", '{"method": "mil", "policy_id": "trial0123"}'),
        ("odd", "[]"),
        ("half", '{"method"'),
    ):
        (run / "policies" / name).mkdir(parents=True)
        (run / "policies" / name / "policy.json").write_text(text)
    actors = {row["role"]: row.actor for row in Library(run / "datasets/wtl_trials")}
    assert actors["trial"] == "mil" and actors["retrial"] == "policy:retrial0123"


def test_tasks_are_said_in_words(tmp_path):
    """By the stored instruction, else by family and rule."""
    words = {}
    for rule in ("", "identity:2", "position:0", "odd"):
        demo = demonstrated("press", len(words))
        metadata = {**demo.metadata, fields.HIDDEN_RULE: rule}
        words[rule] = dataclasses.replace(demo, metadata=metadata)
    published(tmp_path / "d", fields.WTL_DEMOS, list(words.values()))
    library = Library(tmp_path / "d")
    said = {rule: library[episode.id].words for rule, episode in words.items()}
    assert said == {
        "": "Press the marked button.",
        "identity:2": "Press the same button.",
        "position:0": "Press the leftmost button.",
        "odd": "",
    }
    spec = dataclasses.replace(fakes.SPEC, instruction=True)
    told = fakes.fake_episode(0, spec, instruction="Lift it.")
    published(tmp_path / "e" / "d", fields.WTL_DEMOS, [told], spec)
    assert [row.words for row in Library(tmp_path / "e" / "d")] == ["Lift it."]


def test_a_world_without_renderer_is_listed_and_drawn(tmp_path):
    suite = TaskDistribution(
        size=2,
        train_object_sets=1,
        train_tasks=1,
        domain="reacher",
        motor_faults=ActuatorGainDistribution(arm.JOINTS, (1.0, 1.0), 0.5),
    )
    (task,) = suite.tasks("train")
    spec = episode_spec(2, domain=suite.domain, hidden_gains=True)
    with staging.StagingWriter(tmp_path / "staged", spec) as writer:
        for i, scene_config in enumerate(suite.demonstration_scenes(task)):
            name = episode.episode_id("wtl_demos", task.task_id, "demo", i, i)
            writer.append([demonstrate(request(scene_config, name, i))])
    # The last one is of a world that is not installed; the first, of an old version,
    # names none.
    for version, world in enumerate(({}, {"world": "reacher"}, {"world": "moon"})):
        publish.publish(
            tmp_path / "staged", tmp_path, "wtl_demos", f"{version}.0.0", spec, world
        )
    named = []
    for number in range(3):
        index = Library(tmp_path / "wtl_demos" / f"{number}.0.0").indices["wtl_demos"]
        assert len(index.rows) == 6 and index.cameras == ()
        named.append(index.world and index.world.name)
        for row in index.rows.values():
            assert row[fields.HIDDEN_GAINS] == task.gains
            if index.world:
                assert api._drawing(index, row).startswith("<svg")
                assert index.axes == arm.JOINTS
            else:
                with pytest.raises(UserError, match="no states of a known world"):
                    api._drawing(index, row)
                assert list(index.axes) == ["action 0", "action 1"]
    assert named == ["dense_reacher", "reacher", None]
    sources = [tmp_path / "wtl_demos" / "1.0.0"] * 2
    merged = curate.merge_datasets(Curation(sources, tmp_path / "merged"))
    assert Library(merged.path).indices["wtl_demos"].world.name == "reacher"


def test_episodes_are_flagged(tmp_path):
    demo = demonstrated("press", 0)
    twin = dataclasses.replace(
        demo,
        metadata=dict(demo.metadata)
        | {fields.EPISODE_ID: demo.id[:-1] + ("0" if demo.id[-1] != "0" else "1")},
    )
    marked = tried(demo, "trial", True)
    marked = dataclasses.replace(
        marked,
        metadata=dict(marked.metadata)
        | {fields.INVALID: True, fields.NOTES: "?", fields.PARENT_DEMO_IDS: ("gone",)},
    )
    published(tmp_path / "d", fields.WTL_DEMOS, [demo, twin, marked])
    library = Library(tmp_path / "d" / "wtl_demos")
    flags = {row.id: set(row.flags) for row in library}
    assert flags[demo.id] == flags[twin.id] == {"duplicate"}
    assert list(library[demo.id].twins) == [twin.id]
    assert flags[marked.id] == {"orphan", "invalid", "note"}


def test_selections_count_what_every_other_choice_would_give(run):
    rows = list(Library(run))

    def of(**query):
        return Selection.parse(query)

    assert len(of(role="retrial").of(rows)) == 6
    assert len(of(role="trial", success="false").of(rows)) == 3
    assert len(of(family="press", split="train").of(rows)) == 3
    assert len(of(actor="policy:trial0123").of(rows)) == 6
    assert len(of(text="TEST-00002-press").of(rows)) == 3
    assert len(of(text="press the marked").of(rows)) == 9
    assert len(of(flag="none", text="").of(rows)) == len(rows)
    learned = of(role="retrial", trial="failed", success="true").of(rows)
    assert len(learned) == 3
    assert of(trial="succeeded").facets(rows)["trial"] == {"failed": 3, "succeeded": 3}
    facets = of(role="trial").facets(rows)
    assert facets["role"] == {"demo": 6, "retrial": 6, "trial": 6}
    assert facets["family"] == {"grasp": 3, "press": 3}
    assert facets["success"] == {"false": 3, "true": 3}
    longest = of(order="idle").of(rows)
    idle = [row.quality.idle for row in longest]
    assert idle == sorted(idle, reverse=True) and idle[0] > idle[-1]
    for wrong in ({"familly": "press"}, {"order": "random"}):
        with pytest.raises(UserError, match="are"):
            of(**wrong)


def test_statistics_are_of_the_rows_given(run):
    library = Library(run)
    told = statistics.summarise([r for r in library if r["role"] == "trial"])
    assert told["episodes"] == 6 and told["success"]["success"] == 0.5
    low, high = told["success"]["ci95"]
    assert 0 < low < 0.5 < high < 1
    assert told["splits"] == {"train": 2, "val": 2, "test": 2}
    assert [g["family"] for g in told["groups"]] == ["grasp", "press"]
    assert sum(told["histograms"]["idle"]["counts"]) == 6
    assert statistics.summarise([])["episodes"] == 0


def test_what_can_not_be_read_is_named(tmp_path):
    demos = published(tmp_path / "d", fields.WTL_DEMOS, [demonstrated("press", 0)])
    trial = tried(demonstrated("press", 0), "trial", True)
    trials = published(tmp_path / "d", fields.WTL_TRIALS, [trial])
    (shard,) = demos.glob("*.tfrecord-*")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-10])
    with pytest.raises(DatasetDamagedError, match="wtl verify"):
        Library(demos)
    # Beside what was asked for it is left out, with a warning.
    library = Library(trials)
    assert set(library.indices) == {"wtl_trials"} and len(library.warnings) == 1
    assert "orphan" in library[trial.id].flags
    # A flipped byte shows when the episode is looked at.
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    shard.write_bytes(bytes(damaged))
    index = Library(demos).indices["wtl_demos"]
    (row,) = index.rows.values()
    with pytest.raises(DatasetDamagedError, match=f"{row.id} is damaged"):
        index.episode(row)
    with pytest.raises(UserError, match="no dataset"):
        Library(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no dataset"):
        Library(tmp_path / "empty")


@pytest.mark.parametrize("body", model.BODY_NAMES)
def test_worlds_are_restored_from_what_was_stored_alone(body):
    """Shapes, sizes and colours are those of the world that was recorded."""
    form = restoration.Form(3, body)
    is_human = body == Embodiment.HUMAN
    for number in range(6):
        drawn = object_set.draw(f"any-{number}", 3, 7)
        friction = families.FAMILIES["push"].friction_range[1]
        robot = {} if is_human else {"robot": body}
        task = Task(drawn, "push", friction, "train", **robot)
        scene_config = SceneConfig(task, 100 + number, 0)
        if is_human:
            scene_config = scene_config.by_human()
        env = tabletop_environment.Manipulation(scene_config)
        state = env.reset().observation[fields.STATE]
        for _ in range(2 * number):
            state = env.step(np.full(5, 0.3)).observation[fields.STATE]
        restored = restoration.restore(form, state, env.world.physics_state())
        truth = model.compile_model(drawn, body)
        np.testing.assert_array_equal(restored.geom_type, truth.geom_type)
        np.testing.assert_allclose(restored.geom_size, truth.geom_size, atol=1e-6)
        np.testing.assert_allclose(restored.geom_rgba, truth.geom_rgba, atol=1e-6)


def test_states_of_another_world_are_not_restored():
    tabletop = registry.get("tabletop")
    assert tabletop.renderer.cameras(SPEC) == ("robot", "orbit", "wrist")
    foreign = dataclasses.replace(SPEC, physics_size=SPEC.physics_size + 1)
    assert tabletop.renderer.cameras(foreign) == ()
    assert recognition.layout_of(tabletop, foreign).size == 3
    unknown = dataclasses.replace(SPEC, observations=observed(7))
    assert recognition.layout_of(tabletop, unknown) is None
    demo = demonstrated("grasp", 1)
    state, physics = (demo.steps[name] for name in ("state", "physics_state"))
    form = restoration.form_of(SPEC)
    assert form == restoration.Form(3, "free")
    assert restoration.restore(form, state[0], physics[0])
    with pytest.raises(scene_renderer.RestorationError, match="another version"):
        restoration.restore(
            form, demonstrated("grasp", 2).steps["state"][0], physics[0]
        )
