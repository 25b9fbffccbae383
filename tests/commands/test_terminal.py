"""Output of commands: help, colours, completion, listed and cleaned runs."""

import os
import pathlib
import pty
import subprocess
import sys

import pytest

from wtl.commands import cli, colour, outlook
from wtl.pipeline.run_folder import RunFolder


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


class _Terminal:
    def isatty(self):
        return True


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """Folder of a finished run with a result and staged episodes."""
    folder = RunFolder(tmp_path / "runs" / "first")
    with folder.lock():
        folder.begin("evaluate", "aaaa")
        folder.record("evaluate", {"key": "aaaa"})
    methods = {"wtl": {"overall": {"success": 0.875}}}
    folder.write_json("evaluation/results.json", {"methods": methods})
    for path in ("staging/wtl_demos-bbbb/1", "perceived/a.npy", "datasets/wtl_demos/1"):
        folder.write(path, "x" * 5000)
    return folder


def test_help_has_every_command_once_in_a_group(capsys):
    assert _wtl() == 0
    shown = capsys.readouterr().out
    assert shown.index("\nstart:") < shown.index("\n  run  ") < shown.index("\nlook:")
    for group in cli._GROUPS:
        assert f"\n{group}:\n" in shown
    parser = cli._parser()
    for name in parser._subparsers._group_actions[0].choices:
        assert shown.count(f"\n  {name} ") == 1, name


def test_colours_are_for_terminals_without_no_color(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colour.paint("x", colour.RED, _Terminal()) == "\x1b[31mx\x1b[0m"
    assert colour.paint("x", colour.RED, sys.stdout) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert colour.paint("x", colour.RED, _Terminal()) == "x"


@pytest.mark.parametrize("shell", ("bash", "zsh", "fish"))
def test_completion_names_commands_and_options(shell, capsys):
    assert _wtl("completion", shell) == 0
    script = capsys.readouterr().out
    assert "train_retrial" in script and "gin_bindings" in script


def test_bash_completes_a_command(tmp_path):
    script = tmp_path / "wtl.bash"
    wtl = [sys.executable, "-m", "wtl", "completion", "bash"]
    script.write_bytes(subprocess.run(wtl, check=True, capture_output=True).stdout)
    ask = (
        f"source {script}; COMP_WORDS=(wtl collect_d); COMP_CWORD=1;"
        "COMP_LINE='wtl collect_d'; COMP_POINT=13;"
        "_shtab_wtl; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", ask], check=True, capture_output=True)
    assert done.stdout.decode().strip() == "collect_demos"


def test_runs_are_listed_with_state_results_and_size(run, capsys):
    other = RunFolder(run.path.with_name("second"))
    with other.lock():
        other.begin("train_trial", "cccc")
        assert _wtl("runs", str(run.path.parent)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["first", "done"] and first.endswith("wtl 88%")
    assert "kB" in first
    assert second.startswith("second  running train_trial")
    assert _wtl("runs", str(other.path)) == 0
    assert "stopped in train_trial" in capsys.readouterr().out
    assert _wtl("runs", str(run.path / "datasets")) == 1
    assert "holds no run folder" in capsys.readouterr().err


def test_listing_runs_imports_nothing_heavy(run):
    script = (
        "import sys\nfrom wtl.commands import cli\n"
        f"try: cli.main(['runs', {str(run.path)!r}])\n"
        "except SystemExit: print({'tensorflow', 'mujoco'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.stdout.endswith(b"set()\n"), done.stderr


def _files(folder: pathlib.Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_clean_lists_first_and_removes_what_a_rerun_makes(run, capsys):
    before = _files(run.path)
    assert _wtl("clean", str(run.path.parent)) == 0
    listed = capsys.readouterr().out
    assert "wtl_demos-bbbb" in listed and "a.npy" in listed and "add --yes" in listed
    assert _files(run.path) == before
    assert _wtl("clean", str(run.path), "--yes") == 0
    gone = {"staging/wtl_demos-bbbb/1", "perceived/a.npy"}
    assert _files(run.path) == before - gone


def test_clean_keeps_what_resumes_what_is_linked_and_what_runs(run, tmp_path, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("x")
    os.symlink(elsewhere, run.staging / "wtl_trials-dddd")
    run.begin("collect_demos", "bbbb")
    with run.lock():
        assert _wtl("clean", str(run.path), "--yes") == 0
    assert "in use" in capsys.readouterr().out
    assert (run.path / "perceived" / "a.npy").exists()
    assert _wtl("clean", str(run.path), "--yes") == 0
    assert not (run.path / "perceived" / "a.npy").exists()
    assert (run.staging / "wtl_demos-bbbb" / "1").exists()
    assert (elsewhere / "kept").exists()


def test_a_damaged_lineage_does_not_hide_other_runs(run, capsys):
    run.write("lineage.json", "{")
    assert _wtl("runs", str(run.path.parent)) == 0
    assert "damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    "seconds, words",
    ((0.2, "about 1 s"), (89, "about 89 s"), (90, "about 2 min"), (9000, "about 2 h")),
)
def test_a_time_in_words(seconds, words):
    assert outlook.duration(seconds) == words


@pytest.mark.parametrize(
    "verbosity, shown", ((0, "loading …\r\x1b[K"), (1, "")), ids=("quiet", "verbose")
)
def test_a_terminal_says_that_it_loads_and_clears_the_line(verbosity, shown):
    code = f"from wtl import notices\nwith notices.loading({verbosity}): pass"
    reader, terminal = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=terminal, check=True)
    os.write(terminal, b"|")
    said = b""
    while not said.endswith(b"|"):
        said += os.read(reader, 100)
    assert said.decode() == f"{shown}|"
    os.close(terminal)
    os.close(reader)
