"""Small run in the package, so that `wtl teach` works at once after installation.

`make shipped` packs it from the quick start: its policies for states, and recorded
demonstrations of its first test tasks.
"""

import contextlib
import pathlib
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator

from wtl.datasets.contract import fields
from wtl.datasets.curation import curate, metadata_filter
from wtl.datasets.curation.curation import Curation

FILE = pathlib.Path(__file__).with_name("shipped.zip")
_POLICIES = ("mil", "wtl")
_TASKS = 20
_TEST_TASKS = re.compile(r"^(suite\.test_tasks = )\d+$", re.MULTILINE)


def pack(run_dir: pathlib.Path, file: pathlib.Path) -> None:
    """Write what teaching needs of a run to a zip file.

    Args:
      run_dir: a run with the policies `mil` and `wtl`.
      file: the file to write.
    """
    with tempfile.TemporaryDirectory() as folder:
        demos = Curation([run_dir / "datasets" / fields.WTL_DEMOS], folder)
        tasks = sorted(
            name for name in demos.values(fields.TASK_ID) if name.startswith("test-")
        )[:_TASKS]
        wanted = metadata_filter.parse(f"{fields.TASK_ID}={','.join(tasks)}")
        kept = curate.filter_episodes(demos, [wanted]).path
        config = (run_dir / "config.gin").read_text(encoding="utf-8")
        config = _TEST_TASKS.sub(rf"\g<1>{len(tasks)}", config)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("config.gin", config)
            for path in sorted(p for p in kept.rglob("*") if p.is_file()):
                packed.write(path, f"datasets/{path.relative_to(folder)}")
            for name in _POLICIES:
                policy = run_dir / "policies" / name
                parts = [policy / "policy.json", *policy.glob("saved_model/**/*")]
                for path in sorted(p for p in parts if p.is_file()):
                    packed.write(path, path.relative_to(run_dir))


@contextlib.contextmanager
def unpacked() -> Iterator[pathlib.Path]:
    """Yield a run folder with the packed run, which is removed in the end."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(FILE) as packed:
        packed.extractall(folder)
        yield pathlib.Path(folder)


if __name__ == "__main__":
    pack(pathlib.Path(sys.argv[1]), FILE)
