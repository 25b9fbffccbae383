"""The command line: help, errors, and commands that need no run."""

import errno
import os
import subprocess
import sys

import pytest

from wtl.collection import opengl
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import verify


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def test_doctor_names_versions_and_the_renderer(monkeypatch, capsys):
    monkeypatch.setattr(
        opengl, "find_renderer", lambda: ("egl", "llvmpipe (LLVM 15, 256 bits)")
    )
    assert _wtl("doctor") == 0
    said = capsys.readouterr().out
    assert "tensorflow" in said and "mujoco" in said
    assert "llvmpipe (LLVM 15, 256 bits) (egl, software)" in said


def test_doctor_names_what_to_install_where_nothing_renders(monkeypatch, capsys):
    def nothing_renders():
        raise opengl.RendererNotFoundError("install libosmesa6")

    monkeypatch.setattr(opengl, "find_renderer", nothing_renders)
    assert _wtl("doctor") == 0
    said = capsys.readouterr().out
    assert "none: install libosmesa6" in said and "images need it" in said


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom wtl.commands import cli\n"
        "print({'tensorflow', 'mujoco', 'apache_beam'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "error, line",
    (
        (UserError("no such run"), "no such run"),
        (UserError("a \x1b[31mred é"), r"a \x1b[31mred é"),
        (OSError(errno.ENOSPC, "x"), "the disk is full; free some space and rerun"),
        (OSError(errno.EDQUOT, "x"), "the disk is full; free some space and rerun"),
        (
            BrokenPipeError(errno.EPIPE, "x"),
            "a pipe is closed: the reader of",
        ),
        (ValueError("a\n  b"), "ValueError: a b (--verbosity=1 shows where)"),
        (ValueError("a\n  In call to configurable f"), "ValueError: a (--verbosity"),
    ),
)
def test_an_error_is_one_line(error, line, monkeypatch, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(verify, "verify", fail)
    assert _wtl("verify", "x") == 1
    text = capsys.readouterr().err
    assert text.startswith(f"wtl: {line}") and text.count("\n") == 1


def test_escapes_in_names_are_printed_escaped(tmp_path, monkeypatch, capsys):
    name = f"{tmp_path}/\x1b[2Jx"
    monkeypatch.setattr(verify, "verify", lambda path: [path, "b\x9b1m"])
    assert _wtl("verify", name) == 1
    shown = capsys.readouterr()
    assert (shown.out + shown.err).replace("\n", "").isprintable()
    assert "\\x1b[2Jx" in shown.out and "\\x9b1m" in shown.out


def test_all_datasets_of_a_run_are_verified(tmp_path, monkeypatch, capsys):
    for name in ("wtl_demos", "wtl_trials"):
        (tmp_path / "run/datasets" / name).mkdir(parents=True)
    found = {"wtl_demos": ["one", "two"], "wtl_trials": []}
    monkeypatch.setattr(verify, "verify", lambda path: found[path.name])
    assert _wtl("verify", str(tmp_path / "run")) == 1
    shown = capsys.readouterr()
    assert shown.err == f"wtl: 2 problems in {tmp_path}/run/datasets/wtl_demos\n"
    assert shown.out.endswith(f"{tmp_path}/run/datasets/wtl_trials is intact\n")


def test_a_mistyped_run_is_guessed(tmp_path, capsys):
    (tmp_path / "quickstart").mkdir()
    assert _wtl("view", str(tmp_path / "quikstart")) == 1
    assert "did you mean 'quickstart'?" in capsys.readouterr().err


def test_an_interrupted_command_names_the_way_to_resume(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(verify, "verify", interrupt)
    assert _wtl("verify", "x") == 130
    assert "rerun the command to resume" in capsys.readouterr().err


def test_options_that_need_others_are_refused(capsys):
    file = "--gin_file=quickstart.gin"
    assert _wtl("evaluate", file, "--out=x") == 1
    assert "--out goes with --compare" in capsys.readouterr().err
    assert _wtl("collect_demos", file, "--pipeline_options=--a=b") == 1
    assert "needs --runner=beam" in capsys.readouterr().err
    assert _wtl("evaluate", file, "--compare=x") == 2
    assert _wtl("collect_demos") == 2
    assert _wtl("train_trial", file, "--runner=beam") == 2


@pytest.mark.parametrize(
    "arguments, said",
    (
        (("trane",), "did you mean 'train_"),
        (("dataset", "filtre"), "did you mean 'filter'?"),
        (("run", "--gin_flie=x"), "--gin_flie; did you mean '--gin_file'?"),
        (("view", "x", "--hots=y"), "--hots; did you mean '--host'?"),
        (("export", "a", "b", "--format=lerobto"), "did you mean 'lerobot'?"),
        (("view", "x", "--port=99999"), "is no port; give 0"),
        (("dataset", "sample", "x", "--per_task=0", "--out=y"), "give 1 or more"),
    ),
)
def test_a_misspelt_or_impossible_argument_is_explained(arguments, said, capsys):
    assert _wtl(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(verify, "verify", lambda folder: asked.append(folder) or [])
    assert _wtl("verify", "~/data") == 0
    assert asked == [f"{tmp_path}/data"]


_PATCHED = """
import os, signal, sys, time
from wtl.commands import cli
from wtl.datasets.storage import verify
def work(folder):
    if folder == "text":
        return ["± 1 –\\udcff"]
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    finally:
        time.sleep(60)  # as what waits for others
verify.verify = work
cli.main(["verify", sys.argv[1]])
"""


def test_a_missing_gin_file_is_named_before_tensorflow_is_imported():
    code = (
        "import sys\nfrom wtl.commands import cli\n"
        "try: cli.main(['run', '--gin_file=quickstrt.gin'])\n"
        "finally: print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "False\n"
    assert "did you mean 'quickstart.gin'?" in done.stderr


def _patched(folder: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", _PATCHED, folder],
        capture_output=True,
        timeout=50,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("encoding", ("latin-1", "ascii", "utf-8"))
def test_any_terminal_gets_any_text(encoding):
    done = _patched("text", PYTHONIOENCODING=encoding)
    assert done.returncode == 1 and b"1 problem in" in done.stderr
    assert done.stdout.decode(encoding).endswith("\\udcff\n")
    helped = subprocess.run(
        [sys.executable, "-m", "wtl", "run", "--help"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert helped.returncode == 0 and not helped.stderr


def test_sigterm_ends_what_does_not_end_by_itself():
    assert _patched("hang").returncode == 143
