"""Export of a run to Weights & Biases, without a server or an account.

Each policy becomes an offline run with its learning curves, each evaluation one with
the success of its conditions and the protocol. `wandb sync` uploads them.
"""

import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import learning_curve

_PROJECT = "wtl"


def export(run_dir: str | os.PathLike, folder: str | os.PathLike) -> int:
    """Write curves and results of a run to a folder; return the number of written runs.

    Raises:
      UserError: if there is nothing to write, wandb is not installed, or the folder is
        there.
    """
    try:
        import wandb
    except ImportError as error:
        raise UserError(
            "--format=wandb needs the package wandb: `pip install 'wtl[wandb]'`"
        ) from error
    run_dir, folder = pathlib.Path(run_dir), pathlib.Path(folder)
    config = run_dir / "config.gin"
    if not config.is_file():
        raise UserError(f"{run_dir} is no folder of a run: it has no config.gin")
    curves = learning_curve.learning_curves(run_dir / "logs")
    evaluations = sorted(run_dir.glob("evaluation/**/results.json"))
    if not curves and not evaluations:
        raise UserError(f"{run_dir} has neither learning curves nor results yet")
    if folder.exists():
        raise UserError(f"{folder} exists already; give another name")
    folder.mkdir(parents=True)
    group = run_dir.resolve().name

    def begun(name: str, about: Mapping[str, Any]):
        settings = wandb.Settings(silent=True, console="off", disable_git=True)
        return wandb.init(
            project=_PROJECT,
            group=group,
            name=f"{group}/{name}",
            config={**about, "gin": config.read_text(encoding="utf-8")},
            dir=folder,
            mode="offline",
            settings=settings,
        )

    for name, curve in curves.items():
        with begun(name, {"method": name}) as run:
            for step, metrics in curve:
                run.log(metrics, step=step)
    for path in evaluations:
        results = json.loads(path.read_text(encoding="utf-8"))
        name = str(path.parent.relative_to(run_dir))
        with begun(name, results["protocol"]) as run:
            run.summary.update(dict(_numbers(results["methods"])))
    return len(curves) + len(evaluations)


def _numbers(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a tree under paths such as `wtl/overall/success`."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{path}{key}/")
        elif isinstance(value, (int, float)):
            yield f"{path}{key}", float(value)
