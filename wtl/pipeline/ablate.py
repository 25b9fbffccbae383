"""Grid of configurations that differ from a base by a line each, in one table."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import gin

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean, listed
from wtl.evaluation import ablation, figures, rollout_row
from wtl.pipeline import choices, run_folder, stages
from wtl.policies.methods import CONDITIONS

BASE = "base"


def ablate(
    gin_dir: str,
    run_dir: str,
    bindings: Sequence[str],
    only: str,
    explain: Callable[[Exception], str] = str,
) -> dict[str, Any]:
    """Run every configuration of a folder, each in a run folder of its name.

    Equal outputs are copied from another configuration, the base first. Finished stages
    are skipped: rerun the command to resume. A failure does not stop the others, unless
    it is in the base.

    Args:
      gin_dir: folder with `base.gin`, and other gin files that include it.
      run_dir: gets a run folder for each, `ablations.json`, `.md` and `.svg`.
      bindings: gin bindings for every configuration.
      only: names, separated by commas, of those to run beside the base; all if empty.
      explain: exception -> message about a failure.

    Returns:
      Contents of `ablations.json`: `protocol`, `base`, `ablations` (see
      `wtl.evaluation.ablation.entries`) and `failed`, messages by name.

    Raises:
      UserError: if there is no base or no such configuration, or one of those to run is
        mistyped.
    """
    paths = {path.stem: path for path in sorted(pathlib.Path(gin_dir).glob("*.gin"))}
    if BASE not in paths:
        raise UserError(f"{gin_dir} holds no {BASE}.gin; see gin_configs/ablations")
    chosen = [name for name in listed(only, paths.__contains__) if name]
    for name in chosen:
        if name not in paths:
            raise UserError(
                f"{gin_dir} holds no {name}.gin; known are {', '.join(paths)}"
                + did_you_mean(name, paths)
            )
    names = [BASE, *(n for n in paths if n != BASE and (not only or n in chosen))]
    for name in names:
        try:
            _configured(paths[name], bindings)
        except UserError as error:
            raise UserError(f"{name}.gin: {error}") from error
    root = run_folder.RunFolder(run_dir)
    sources = [run_folder.RunFolder(root.path / name) for name in (BASE, *paths)]

    def perform(name: str) -> _Finished:
        print(f"\n{name} ({names.index(name) + 1} of {len(names)})", flush=True)
        return _perform(paths[name], root.path / name, bindings, sources)

    base = perform(BASE)
    results = {
        "protocol": base.protocol,
        "base": BASE,
        "ablations": base.entries(BASE, base),
        "failed": {},
    }
    _write(root, results)
    for name in names[1:]:
        try:
            results["ablations"] += perform(name).entries(name, base)
        except Exception as error:  # reported; the others go on
            results["failed"][name] = explain(error)
            print(f"{name} failed: {results['failed'][name]}", flush=True)
        _write(root, results)
    return results


@dataclasses.dataclass(frozen=True)
class _Finished:
    """A finished configuration.

    Attributes:
      settings: its row of the table.
      protocol: of its evaluation.
      rows: rollouts of it.
    """

    settings: ablation.Ablation
    protocol: dict[str, Any]
    rows: list[rollout_row.RolloutRow]

    def entries(self, name: str, base: "_Finished") -> list[dict[str, Any]]:
        """See `ablation.entries`."""
        default = base.settings.conditions[0]
        return ablation.entries(name, self.settings, self.rows, base.rows, default)


def _configured(path: pathlib.Path, bindings) -> ablation.Ablation:
    """Configure gin, and return the row of the table."""
    stages.configure(str(path), list(bindings))
    settings = stages.ablation()
    evaluated = gin.get_bindings("evaluate").get("conditions") or CONDITIONS
    against = [settings.against] if settings.against else []
    choices.check("ablation.conditions", settings.conditions, evaluated)
    choices.check("ablation.against", against, CONDITIONS)
    return settings


def _perform(path: pathlib.Path, run_dir: pathlib.Path, bindings, sources) -> _Finished:
    settings = _configured(path, bindings)
    others = [source for source in sources if source.path != run_dir]
    with stages.open_run(str(run_dir), cache_sources=others) as run:
        folder = stages.perform(run, list(stages.STAGES))
    results = json.loads((folder / "results.json").read_text())
    rows = rollout_row.read_csv(folder / "episodes.csv")
    return _Finished(settings, results["protocol"], rows)


def _write(root: run_folder.RunFolder, results: dict[str, Any]):
    root.write("ablations.md", ablation.markdown_table(results))
    root.write("ablations.svg", figures.ablations(results))
    root.write_json("ablations.json", results)
