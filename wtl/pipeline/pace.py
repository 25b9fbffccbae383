"""Time that stages will take, by the pace of finished ones."""

import contextlib
from collections.abc import Iterator
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.pipeline.rehearsal import PlannedStage
from wtl.pipeline.run import Run
from wtl.pipeline.run_folder import LINEAGE_FILE, RunFolder


def seconds(run: Run, stage: PlannedStage) -> float | None:
    """Return the time that a stage takes, roughly; None if it is not known.

    The pace is that of the same stage in this run folder, or in a folder beside it, on
    the same world and kind of observations. The size of networks is not considered.
    """
    if stage.units is None:
        return None
    for lineage in _lineages(run.folder):
        pace = lineage.get(stage.name, {}).get("pace", {})
        if pace.get("of") == run.kind:
            return stage.units() * pace["seconds"]
    return None


def _lineages(folder: RunFolder) -> Iterator[dict[str, Any]]:
    yield folder.lineage
    beside = folder.path.absolute().parent.glob(f"*/{LINEAGE_FILE}")
    for path in sorted(beside, key=lambda path: path.stat().st_mtime, reverse=True):
        with contextlib.suppress(UserError):  # damaged ones
            yield RunFolder(path.parent).lineage
