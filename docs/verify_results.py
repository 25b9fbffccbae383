"""Recompute docs/results from the rollouts that they summarise, and check the pages.

python docs/verify_results.py                           check all: `make verify_results`
python docs/verify_results.py --write                   write what is recomputed
python docs/verify_results.py --add NAME [SET=]RUN ...  store the rollouts of runs

`docs/results/episodes/NAME.tar.xz` holds rollouts and protocol of some runs, unpacked a
set of `wtl evaluate --compare`. `docs/results/NAME.json` is computed from it. Comments
in the pages say which numbers stand between them and `<!-- end -->`:

<!-- NAME.json -->                      the whole table and its differences
<!-- NAME.json: mil.overall -->         a number of a method, with its interval
<!-- NAME.json: wtl_vs_mil -->          a paired difference, with its interval
"""

import argparse
import contextlib
import functools
import json
import lzma
import math
import pathlib
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import ablation, comparison, played_run, statistics, table

ROOT = pathlib.Path(__file__).resolve().parents[1]
_RESULTS = pathlib.Path("docs", "results")
_EPISODES, _SUFFIX = _RESULTS / "episodes", ".tar.xz"
_OPENING, _END = r"<!-- (\S+\.json)(?:: ([^>]*))? -->", "<!-- end -->"
_LIKE_OPENING = re.compile(r"<!--[^>]*\.json")
_PART = re.compile(rf"({_OPENING})((?:(?!<!--).)*){_END}", re.S)


def add(root: pathlib.Path, name: str, runs: Sequence[str]):
    """Store the rollouts of runs, each given as `[SET=]RUN`, as those of NAME.json."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, made = pathlib.Path(temporary, name), pathlib.Path(temporary, _SUFFIX)
        for text in runs:
            among, _, path = text.rpartition("=")
            run = played_run.read(path)
            place = folder / (among or name) / f"seed{run.protocol['seed']}"
            if place.exists():
                raise UserError(
                    f"two runs have the seed of {path}; name a SET for each"
                )
            played_run.write(run, place)
        with tarfile.open(made, "w:xz", preset=9) as file:
            for path in _within(folder):
                file.add(path, path.name, filter=_anonymous)
        recompute(made)  # runs that can't be compared are refused before any is kept
        archive = root / _EPISODES / f"{name}{_SUFFIX}"
        archive.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, archive)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out owner and time: the same rollouts are the same bytes."""
    named = tarfile.TarInfo(member.name)
    named.type, named.size = member.type, member.size
    named.mode = 0o755 if member.isdir() else 0o644
    return named


def recompute(archive: pathlib.Path) -> dict[str, Any]:
    """Return the results of an archive: of one run, or of several compared."""
    archive = archive.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            _unpack(archive)
            sets = {
                among.name: [played_run.read(str(path)) for path in _within(among)]
                for among in _within(pathlib.Path())
            }
        except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
            raise UserError(f"{archive} is damaged: {error}; add it again") from error
    runs = [run for members in sets.values() for run in members]
    if not runs:
        raise UserError(f"{archive} is damaged: it holds no run; add it again")
    if len(runs) > 1:
        return comparison.compare(sets)
    return statistics.results(runs[0].rows, runs[0].protocol)


def _unpack(archive: pathlib.Path):
    """Unpack files and folders here; `extractall(filter=...)` needs Python 3.11.4.

    Raises:
      TarError: if a member is a link or a device, or would lie elsewhere.
    """
    with tarfile.open(archive) as file:
        for member in file:
            path = pathlib.PurePosixPath(member.name)
            is_inside = not path.is_absolute() and ".." not in path.parts
            if not (is_inside and (member.isfile() or member.isdir())):
                raise tarfile.TarError(f"{member.name} is no file inside of it")
            file.extract(member)


def _within(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.iterdir())


def verify(root: pathlib.Path, write: bool = False) -> list[str]:
    """Return a line for each number that is not the recomputed one, or write it."""
    return verify_files(root, write) + verify_pages(root, write)


def verify_files(root: pathlib.Path, write: bool = False) -> list[str]:
    """Return a line for each file of results that is not the recomputed one."""
    faults = []
    for archive in _archives(root):
        name = _name(root, archive)
        numbers = root / _RESULTS / f"{name}.json"
        written = _read(numbers) if numbers.exists() else {}
        found = recompute(archive)
        fault = _difference(dict(_leaves(found)), dict(_leaves(written)))
        if fault:
            faults.append(f"{numbers.relative_to(root)}: {fault}")
            if write:
                numbers.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
    return faults


def verify_pages(root: pathlib.Path, write: bool = False) -> list[str]:
    """Return a line for each page whose numbers are not those of the files."""
    faults = []
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        text = page.read_text()
        try:
            filled, parts = _PART.subn(functools.partial(_filled, root), text)
            if parts != text.count(_END) or parts != len(_LIKE_OPENING.findall(text)):
                raise UserError(
                    f"a marked part lacks {_END}, or its opening is mistyped"
                )
        except UserError as error:
            raise UserError(f"{page.relative_to(root)}: {error}") from error
        if filled != text:
            lines = zip(filled.splitlines(), text.splitlines(), strict=False)
            new, old = next((pair for pair in lines if len(set(pair)) > 1), ("", ""))
            faults.append(f"{page.relative_to(root)}: {old!r} should be {new!r}")
            if write:
                page.write_text(filled)
    return faults


def not_recomputable(root: pathlib.Path) -> list[str]:
    """Return names of result files whose rollouts are not stored."""
    stored = {_name(root, archive) for archive in _archives(root)}
    files = sorted((root / _RESULTS).rglob("*.json"))
    names = [str(p.relative_to(root / _RESULTS).with_suffix("")) for p in files]
    return [name for name in names if name not in stored]


def _archives(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted((root / _EPISODES).rglob(f"*{_SUFFIX}"))


def _name(root: pathlib.Path, archive: pathlib.Path) -> str:
    return str(archive.relative_to(root / _EPISODES)).removesuffix(_SUFFIX)


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); restore it") from error


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if value and isinstance(value, (dict, list)):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _difference(found: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """Describe how many leaves differ, and the first; empty if none does."""
    paths = dict.fromkeys([*found, *written])
    differing = [p for p in paths if not _same(found.get(p, ""), written.get(p, ""))]
    if not differing:
        return ""
    first = differing[0]
    return (
        f"{len(differing)} of {len(paths)} values differ; {first} is "
        f"{written.get(first, 'missing')}, recomputed {found.get(first, 'missing')}"
    )


def _same(found: Any, written: Any) -> bool:
    # Processors of different kinds add up to different last bits.
    if isinstance(found, float) and isinstance(written, float):
        return math.isclose(found, written, rel_tol=1e-9, abs_tol=1e-12)
    return type(found) is type(written) and found == written


def _filled(root: pathlib.Path, part: re.Match) -> str:
    """Return a marked part of a page with the numbers of its file."""
    opening, name, path, _ = part.groups()
    try:
        numbers = _read(root / _RESULTS / name)
        if path:
            row, *keys = path.split(".")
            pairs = {
                f"{first}_vs_{second}": pair
                for first, others in numbers.get("pairs", {}).items()
                for second, pair in others.items()
            }
            found = (numbers["methods"] | pairs | numbers["paired"])[row]
            return f"{opening}{_shown(table.find(found, keys))}{_END}"
        of = ablation if "ablations" in numbers else table
        return f"{opening}\n\n{of.markdown_table(numbers)}\n{_END}"
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{opening}: {error!r}") from error


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, Mapping):
        return table.percent(value)
    paired = "difference" in value
    return (table.difference_in_points if paired else table.with_interval)(value)


def main():
    """Check, write or add; exit with status 1 if a number differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--add", nargs="+", metavar=("NAME", "[SET=]RUN"))
    options = parser.parse_args()
    try:
        if options.add:
            if len(options.add) < 2:
                raise UserError("--add needs a NAME and a run folder at least")
            add(ROOT, options.add[0], options.add[1:])
        write = options.write or bool(options.add)
        faults = verify(ROOT, write)
    except UserError as error:
        sys.exit(f"Error: {error}")
    for fault in faults:
        print(f"{'written' if write else 'wrong'}: {fault}")
    print(f"recomputed: {len(_archives(ROOT))} files of {_RESULTS}")
    print("not recomputable:", ", ".join(not_recomputable(ROOT)))
    sys.exit(bool(faults) and not write)


if __name__ == "__main__":
    main()
