"""List the packages of requirements.lock with their licences, in docs/third_party.md.

`python docs/third_party.py` writes the page; tests/test_third_party.py compares it.
"""

import importlib.metadata
import pathlib
import re

from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "third_party.md"
LOCK = ROOT / "requirements.lock"
_HEAD = """# Third-party packages

WTL itself is under [Apache 2.0](../LICENSE) and contains no code of others. It is
installed with these packages, on Linux at the versions of `requirements.lock`; those
for development are among them. The licences are what each package's metadata states.
Wheels may carry further libraries, such as FFmpeg in `av` and SDL in `pygame`, whose
licences are in the wheels.

Made by `python docs/third_party.py`.

| package | version | licence |
| :-- | :-- | :-- |
"""
_STATED = {"mlcroissant": "Apache-2.0", "namex": "Apache-2.0"}  # not in the metadata
_LONGEST = 60  # characters; some packages put the whole text where the name belongs


def locked() -> dict[str, str]:
    """Return the packages of the lock, and their versions."""
    lines = re.findall(r"(?m)^[\w.-]+(?:\[.*?\])?==[^\\\n]+", LOCK.read_text())
    here = {"python_full_version": "3.11.9", "sys_platform": "linux"}
    found = [Requirement(line) for line in lines]
    return {
        r.name: next(iter(r.specifier)).version
        for r in found
        if r.marker is None or r.marker.evaluate(here)
    }


def page() -> str:
    """Return the page, by the metadata of the packages that are installed.

    Raises:
      LookupError: if a licence is not known.
    """
    rows = (f"| {n} | {version} | {_licence(n)} |" for n, version in locked().items())
    return _HEAD + "\n".join(rows) + "\n"


def _licence(name: str) -> str:
    if name in _STATED:
        return _STATED[name]
    metadata = importlib.metadata.metadata(name)
    classifiers = metadata.get_all("Classifier", [])
    named = [c.split(" :: ")[-1] for c in classifiers if c.startswith("License :: ")]
    named = [text for text in named if text != "OSI Approved"]
    first = (metadata.get("License") or "").strip().partition("\n")[0][:_LONGEST]
    found = metadata.get("License-Expression") or ", ".join(named) or first
    if not found:
        raise LookupError(f"the metadata of {name} states no licence: add it here")
    return found.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
