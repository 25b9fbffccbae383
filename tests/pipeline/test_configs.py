"""Every shipped gin file builds its objects; the README's commands exist."""

import contextlib
import functools
import inspect
import io
import pathlib
import re
import subprocess
import types

import gin
import pytest

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.pipeline import bindings, stages, train, trial_worlds
from wtl.policies.bc_sac.config import SacConfig
from wtl.policies.methods import METHODS
from wtl.training import learners, train_config
from wtl.training.policy_config import config_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
# `dataset` opens no run without a dataset; test_dataset_only.py runs it.
CONFIGS = sorted(
    path for path in (ROOT / "gin_configs").rglob("*.gin") if path.stem != "dataset"
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_config_builds_its_objects(path, tmp_path):
    stages.configure(str(path), [])
    with stages.open_run(tmp_path / "run") as run:
        assert isinstance(run.suite, TaskDistribution)
        for split in fields.SPLITS:
            count = getattr(run.suite, f"{split}_tasks")
            assert len(run.suite.tasks(split)) == count
    for stage in ("train_trial", "train_retrial", "perception"):
        bindings.bound(train_config.TrainConfig(), stage)
        bindings.bound(train_config.EndToEndConfig(), stage)
    for method in METHODS.values():
        if method.is_trained:
            bindings.bound(config_for(method.name, stages.suite()), method.name)
    bindings.bound(SacConfig(), "reinforce")
    given = gin.get_bindings("reinforce")
    assert given.get("tasks", 1) <= run.suite.test_tasks
    given = gin.get_bindings("meta_rl")
    if "method" in given:  # else it is for others to include
        call = inspect.signature(stages.BASELINES["meta_rl"]).bind(None, **given)
        call.apply_defaults()
        assert call.arguments["world"] in (None, *trial_worlds.WORLDS)
        config = METHODS[call.arguments["method"]].config
        assert type(bindings.bound(config, "meta_rl")) in learners.LEARNERS


def test_paper_size_is_that_of_the_paper():
    stages.configure(str(ROOT / "gin_configs/paper_size.gin"), [])
    suite = stages.suite()
    tasks = suite.tasks("train")
    assert len(tasks) == 768
    assert len({task.object_set.name for task in tasks}) == 96
    assert sum(len(suite.demonstration_scenes(task)) for task in tasks) == 1536
    assert len(suite.tasks("val")) == len(suite.tasks("test")) == 40
    assert suite.size == 2


@pytest.mark.parametrize(
    "name, families, faulty, pucks",
    (
        ("base", 5, False, False),
        ("nothing_hidden", 4, False, False),
        ("faults_only", 4, True, False),
        ("friction_and_faults", 5, True, False),
        ("pucks", 1, False, True),
        ("pucks_and_faults", 1, True, True),
    ),
)
def test_each_kind_of_hidden_dynamics_has_a_config(name, families, faulty, pucks):
    stages.configure(str(ROOT / f"gin_configs/dynamics/{name}.gin"), [])
    tasks = stages.suite().tasks("val")
    assert len({task.family for task in tasks}) == families
    assert all(bool(task.gains) == faulty for task in tasks)
    assert all((task.puck is not None) == pucks for task in tasks)
    drawn = {task.friction for task in tasks if task.family == "slide"}
    assert len(drawn) == sum(task.family == "slide" for task in tasks)


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_only_what_exists(page):
    text = page.read_text()
    for path in re.findall(r"gin_configs/[a-z_/]+\.gin", text):
        assert (ROOT / path).exists(), path
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"(?m)^#+ (.*)$", linked.read_text())
            assert anchor in map(_anchor, titles), anchor
    lines = re.sub(r"\\\n *", "", text)
    named = r"(?m)(?:^ *|`)wtl ((?:dataset )?[a-z_]+)([^`\n]*)"
    for command, rest in re.findall(named, lines):
        options = re.findall(r"--[a-z_]+", rest.split("#")[0].split("='--")[0])
        known = _help(command)
        assert all(option in known for option in options), (command, options)


@functools.cache
def _help(command: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--help"])
    assert ended.value.code == 0, command
    return said.getvalue()


def _anchor(title: str) -> str:
    """As GitHub makes it of a title."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_readme_names_only_targets_that_exist():
    readme = (ROOT / "README.md").read_text()
    targets = set(
        re.findall(r"^([a-z][a-z_-]*):", (ROOT / "Makefile").read_text(), re.M)
    )
    named = set(re.findall(r"^make ([a-z_-]+)|`make ([a-z_-]+)", readme, re.M))
    named = {name for names in named for name in names if name}
    assert {"quickstart", "test"} <= named <= targets


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_no_address_or_path_of_a_machine_is_tracked():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    forbidden = re.compile("py" + r"pi\.org|python" + "hosted|/ro" + "ot/|/wo" + "rk/")
    for name in tracked:
        path = ROOT / name
        if (
            path.suffix in {".py", ".gin", ".toml", ".lock", ".md", ""}
            and path.is_file()
        ):
            found = forbidden.search(path.read_text(errors="ignore"))
            assert not found, f"{name}: {found}"


QUICK = str(ROOT / "gin_configs/quickstart.gin")


def test_included_files_are_those_beside_the_file_itself(tmp_path):
    for number in (4, 5):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/base.gin").write_text(f"suite.size = {number}\n")
        (tmp_path / f"{number}/run.gin").write_text("include 'base.gin'\n")
        stages.configure(str(tmp_path / f"{number}/run.gin"), [])
        assert stages.suite().size == number


@pytest.mark.parametrize(
    "binding, said",
    (
        ("train_trial.stps = 3", "did you mean 'steps'"),
        ("suite.sise = 3", "did you mean 'size'"),
        ("train_trail.steps = 3", "did you mean 'train_trial'"),
        ("train_trail/TrainConfig.steps = 3", "did you mean 'train_trial'"),
        ("train_trial.steps = -3", "train_trial.steps is -3"),
        ("train_trial.methods = 'bc'", "as (A, B) or (A,)"),
        ("run.workers = -1", "0 or more"),
        ("run.seed = 'x'", "a whole number"),
        ("collect_trials.greedy_share = 2", "from 0 to 1"),
        ("suite.identity_share = True", "a number from 0 to 1"),
        ("suite.size = 1", "a whole number from 2 to 9"),
        ("suite.size = 3 +", "the configuration is wrong"),
        ("train_trial.methods = (mil,)", "parse token 'mil'; texts are in quotes"),
        (
            "train_trial.steps = 5,",
            "binding 'train_trial.steps = 5,': Expected newline",
        ),
        ("run.seed = 'a", 'the binding "run.seed = \'a"'),
        ("train_trial.methods = ('mil',", "a bracket or a quote is not closed"),
    ),
)
def test_a_wrong_binding_is_found_when_it_is_read(binding, said):
    with pytest.raises(UserError, match=re.escape(said)):
        stages.configure(QUICK, [binding])


@pytest.mark.parametrize(
    "binding, said",
    (
        ("evaluate.conditions = ('wlt',)", "did you mean 'wtl'"),
        ("evaluate.split = 'tets'", "did you mean 'test'"),
        ("collect_trials.sources = ('maml',)", "'maml' in train_trial.methods"),
        ("train_retrial.end_to_end = True", "needs a camera"),
        ("train_trial.perceived_labels = True", "needs a camera"),
        ("wtl/ContextualConfig.head = 'x'", "head is 'x'"),
    ),
)
def test_arguments_of_late_stages_are_checked_before_the_first(binding, said, tmp_path):
    stages.configure(QUICK, [binding])
    with stages.open_run(tmp_path) as run:
        with pytest.raises(UserError, match=re.escape(said)):
            stages.perform(run, list(stages.STAGES))
        assert not run.folder.datasets.exists()


@pytest.mark.parametrize(
    "text, said",
    (
        ("\ufeffinclude 'tasks.gin'\r\nsuite.size = 4\r\n", None),
        ("include 'tsks.gin'", "no gin file tsks.gin.*did you mean 'tasks.gin'"),
        ("import broken_module", "broken_module.py, which it imports: invalid syntax"),
    ),
)
def test_a_gin_file_of_any_editor_is_read_or_explained(text, said, tmp_path):
    (tmp_path / "broken_module.py").write_text("def x(:")
    file = tmp_path / "é [1].gin"
    file.write_bytes(text.encode())
    if said is None:
        stages.configure(str(file), [])
        assert stages.suite().size == 4
        return
    with pytest.raises(UserError, match=said) as error:
        stages.configure(str(file), [])
    assert "known are" not in str(error.value)


def test_perceived_labels_need_entities():
    world = types.SimpleNamespace(entities=None)
    suite = types.SimpleNamespace(world=world, domain="films")
    run = types.SimpleNamespace(images={"image": (8, 8)}, suite=suite)
    with pytest.raises(UserError, match="needs a world with entities.*'films'"):
        train._labels(run, "train_trial", False, True)
