"""The field's terms everywhere, and names of worlds in their own folders only.

`docs/glossary.md` has the terms.
"""

import ast
import pathlib
import re

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_THIS = pathlib.Path(__file__).resolve()
_SUFFIXES = {".py", ".md", ".gin", ".jinja", ".html", ".js"}

# Pattern -> what to write in its place.
_BANNED = {
    r"whoever|somebody": "the subject: policy, operator, scripted expert",
    r"(is|are|was|were|be|been|not) told(?! apart)": "is given, observes",
    r"felt": "observed",
    r"meant": "target, selected",
    r"eyes|sight": "observation encoder, perception model",
    r"glimpses?": "attention",
    r"wanderers?": "random actor",
    r"lockstep": "vector environment",
    r"rivals?": "baseline",
    r"strangers?": "negatives from other tasks",
    r"donors?": "cache source",
    r"parcels?": "shard file",
    r"the same command goes on|goes on where": "rerun the command to resume",
    r"footage": "episode video",
    r"helm": "operator input",
    r"cadence": "rate monitor",
    r"sound (motors?|ones?|robots?)": "nominal actuators",
    r"perfect hands": "no motor errors",
    r"mend(s|ed|ing)?": "edit, correct",
}

# Names of the tabletop's and the reacher's things and families. The field `object_set`
# belongs to the schema of every dataset.
_WORLD_WORDS = re.compile(
    r"gripper|reacher|button|object_(?!sets?\b|hook\b)"
    r"|[\"'](?:press|grasp|push|slide|stack|reach)[\"']",
    re.IGNORECASE,
)


def _files() -> list[pathlib.Path]:
    """Files of the project with prose or code, but results and this file."""
    found = [*_ROOT.glob("*.md")]
    for folder in (
        *("benchmarks", "collection", "datasets", "docs"),
        *("examples", "gin_configs", "policies", "tests", "wtl"),
    ):
        found += (_ROOT / folder).rglob("*")
    return [
        path
        for path in sorted(found)
        if path.suffix in _SUFFIXES
        and path.is_file()
        and path.resolve() != _THIS
        and _ROOT / "docs" / "results" not in path.parents
    ]


def _folder(path: pathlib.Path) -> str:
    parts = path.relative_to(_ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def _phrases() -> list[tuple[pathlib.Path, int, str]]:
    patterns = {
        re.compile(rf"(?<![a-zA-Z]){pattern}(?![a-zA-Z])", re.I): preferred
        for pattern, preferred in ((f"(?:{p})", q) for p, q in _BANNED.items())
    }
    return [
        (path, number, f"{match.group()!r}; write: {preferred}")
        for path in _files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for pattern, preferred in patterns.items()
        for match in pattern.finditer(line)
    ]


def _openings() -> list[tuple[pathlib.Path, int, str]]:
    found = []
    for path in _files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(
                node,
                ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
            ):
                text = ast.get_docstring(node) or ""
                if re.match(r"(What|Who|Whoever|How|Which|Says|Tells)\b", text):
                    line = getattr(node, "lineno", 1)
                    found.append((path, line, text.splitlines()[0]))
    return found


def _world_words() -> list[tuple[pathlib.Path, int, str]]:
    own = _ROOT / "collection" / "worlds"
    return [
        (path, number, match.group())
        for path in _files()
        if path.suffix == ".py"
        and _folder(path) not in ("benchmarks", "docs", "examples", "tests")
        and not (own in path.parents and path.parent != own)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in _WORLD_WORDS.finditer(line)
    ]


@pytest.mark.parametrize(
    "find",
    (_phrases, _openings, _world_words),
    ids=("phrases", "openings of docstrings", "names of worlds"),
)
def test_none_is_found(find):
    found = [f"{path.relative_to(_ROOT)}:{line}: {text}" for path, line, text in find()]
    assert not found, "\n".join(found)
