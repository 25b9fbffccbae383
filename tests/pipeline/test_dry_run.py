"""`wtl run --dry_run`, and the last lines of a finished run."""

import json
import shutil

import tiny

_BINDING = "--gin_bindings=train_retrial.steps = 5"


def _plan(run_dir, capsys, *arguments) -> dict[str, str]:
    """Return the words after each stage of a plan."""
    gin_file = f"--gin_file={tiny.TINY}"
    asked = ["run", gin_file, f"--run_dir={run_dir}", "--dry_run", *arguments]
    assert tiny.command(*asked) == 0
    _, *lines, total = capsys.readouterr().out.splitlines()
    assert total.startswith("In all: ")
    assert ("unknown time" in "".join(lines)) == (f"in {run_dir.parent}" in total)
    return {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in lines}


def _tree(folder) -> dict[str, float]:
    return {str(p): p.stat().st_mtime for p in folder.rglob("*")}


def test_a_new_run_is_planned_and_nothing_is_written(tmp_path, capsys):
    plan = _plan(tmp_path / "new", capsys)
    assert list(plan) == [
        *("collect_demos", "train_trial", "collect_trials", "train_retrial"),
        "evaluate",
    ]
    assert all(text.startswith("runs  ") for text in plan.values())
    assert not (tmp_path / "new").exists()


def test_what_is_done_is_reused_from_the_changed_stage_on(tiny_run, capsys):
    before = _tree(tiny_run)
    assert set(_plan(tiny_run, capsys).values()) == {"reused"}
    plan = _plan(tiny_run, capsys, _BINDING)
    assert [text.split()[0] for text in plan.values()] == ["reused"] * 3 + ["runs"] * 2
    assert _tree(tiny_run) == before


def test_times_are_those_of_the_run_and_of_runs_beside_it(tiny_run, capsys):
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    pace = {"of": "states of tabletop", "seconds": 2.0}
    lineage["train_retrial"]["pace"] = pace
    (tiny_run / "lineage.json").write_text(json.dumps(lineage))
    # 5 steps of 8 examples, 2 seconds each.
    assert _plan(tiny_run, capsys, _BINDING)["train_retrial"].endswith("about 80 s")
    beside = tiny_run.with_name("beside")
    assert _plan(beside, capsys, _BINDING)["train_retrial"].endswith("about 80 s")


def test_a_finished_stage_records_its_pace(finished_run):
    done = json.loads((finished_run / "lineage.json").read_text())
    entry = done["train_trial"]
    assert entry["pace"]["of"] == "states of tabletop"
    total = entry["pace"]["seconds"] * 2 * 6 * 8  # methods, steps, examples
    assert abs(total - entry["seconds"]) < 0.1
    assert not (finished_run / ".stage.json").exists()


def test_an_interrupted_stage_resumes(tiny_run, tmp_path, capsys):
    copy = shutil.copytree(tiny_run, tmp_path / "copy")
    lineage = json.loads((copy / "lineage.json").read_text())
    entry = lineage.pop("evaluate")
    (copy / "lineage.json").write_text(json.dumps(lineage))
    begun = {"stage": "evaluate", "key": entry["key"]}
    (copy / ".stage.json").write_text(json.dumps(begun))
    assert _plan(copy, capsys)["evaluate"].startswith("resumes")


def test_a_finished_run_names_the_next_commands(tiny_run, capsys):
    assert tiny.perform("run", tiny_run) == 0
    said = capsys.readouterr().out.partition("\nNext:\n")[2]
    assert f"{tiny_run / 'evaluation' / 'report.html'}" in said
    assert f"wtl view {tiny_run}" in said
    film = f"wtl play --gin_file={tiny_run / 'config.gin'} --run_dir={tiny_run}"
    assert film in said
    out = tiny_run / "film.svg"
    assert tiny.command(*film.split()[1:], f"--out={out}") == 0
    assert out.exists()
