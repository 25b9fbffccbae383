"""Documentation site: `make docs` builds the pages of docs/ with Sphinx, offline."""

import pathlib
import posixpath
import re
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

project = "WTL"
html_title = "WTL: Watch, Try, Learn"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
exclude_patterns = ["**/*.json", "results/episodes"]

# Pages that lie outside docs/, by the page that includes them.
_INCLUDED = {"README.md": "index", "CONTRIBUTING.md": "contributing"}
_INCLUDED["CHANGELOG.md"] = "changelog"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def _with_links(app, page: str, lines: list[str]):
    """Make links lead to pages of the site; a link to source code becomes its text.

    The pages are written for readers of the repository, where such links work.
    """
    name = next((n for n, included in _INCLUDED.items() if included == page), None)
    text = (_ROOT / name).read_text() if name else lines[0]
    folder = "" if name else posixpath.dirname(f"docs/{page}")
    here = posixpath.dirname(page) or "."

    def link(found: re.Match) -> str:
        image, label, target = found.groups()
        path, mark, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(folder, path)) if path else ""
        if path in _INCLUDED:
            path = f"docs/{_INCLUDED[path]}.md"
        if path and not (_ROOT / path).is_file() or not path.startswith("docs/"):
            return label
        target = posixpath.relpath(path.removeprefix("docs/"), here)
        return f"{image}[{label}]({target}{mark}{anchor})"

    lines[0] = _LINK.sub(link, text) + (lines[0] if name else "")


def setup(app):
    """Register the hook."""
    app.connect("source-read", _with_links)
