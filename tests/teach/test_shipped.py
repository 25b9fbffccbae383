"""The run in the package, with which teaching begins without one of one's own."""

import json
import zipfile

import pytest

from wtl import load_policy
from wtl.commands import cli
from wtl.teach import shipped


def test_a_packed_run_holds_policies_and_held_out_demonstrations(
    finished_run, tmp_path, monkeypatch
):
    monkeypatch.setattr(shipped, "FILE", tmp_path / "shipped.zip")
    shipped.pack(finished_run, shipped.FILE)
    with shipped.unpacked() as folder:
        (demos,) = folder.glob("datasets/wtl_demos/*/*.tfrecord*")
        assert "-test." in demos.name
        for name in ("mil", "wtl"):
            assert load_policy(folder / "policies" / name)
    assert not folder.exists()


def test_the_package_holds_nothing_of_the_machine_that_made_it():
    with zipfile.ZipFile(shipped.FILE) as packed:
        for name in packed.namelist():
            content = packed.read(name)
            for folder in (
                b"/home/",
                b"/ro" + b"ot/",
                b"/tmp/",
                b"/wo" + b"rk/",
                b"/runs/",
            ):
                assert folder not in content, (name, folder)
    assert shipped.FILE.stat().st_size < 5 << 20


@pytest.mark.slow
def test_its_policies_still_fit_the_world():
    with shipped.unpacked() as folder:
        with pytest.raises(SystemExit) as ended:
            cli.main(
                [
                    "evaluate",
                    f"--gin_file={folder / 'config.gin'}",
                    f"--run_dir={folder}",
                    "--gin_bindings=evaluate.scenes_per_task = 1",
                    "--gin_bindings=evaluate.conditions = ('mil', 'wtl')",
                ]
            )
        assert ended.value.code == 0
        results = json.loads((folder / "evaluation/results.json").read_text())
    success = {n: m["overall"]["success"] for n, m in results["methods"].items()}
    assert success["wtl"] >= 0.85 > success["mil"]
