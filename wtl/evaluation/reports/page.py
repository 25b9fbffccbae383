"""Self-contained HTML files, from the templates beside this module."""

import base64
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import jinja2
import markupsafe

from wtl.datasets.storage import files
from wtl.evaluation import table
from wtl.policies import methods as methods_lib


def write(path: str | os.PathLike, template: str, **values) -> None:
    """Render a template and its variables to a file, atomically."""
    path = pathlib.Path(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": table.percent,
        "points": table.points,
        "probability": table.probability,
        "label": methods_lib.label,
        "colour": methods_lib.colour,
        "picture": _picture,
        "svg": markupsafe.Markup,  # our own markup, escaped where it is made
    }
    text = environment.get_template(template).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_durably(path, text.encode())


def meanings(methods) -> dict[str, str]:
    """Return the descriptions of those of some methods that are known."""
    found = {name: methods_lib.description(name) for name in methods}
    return {name: words for name, words in found.items() if words is not None}


def _picture(svg: str, words: str) -> markupsafe.Markup:
    """Return an SVG document as an image, isolated from the styles of the page."""
    data = base64.b64encode(svg.encode()).decode()
    image = '<img class="chart" alt="{}" src="data:image/svg+xml;base64,{}">'
    return markupsafe.Markup(image).format(words, data)


def facts(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as pairs of a dotted name and text."""
    if not isinstance(value, Mapping):
        if isinstance(value, (list, tuple)):
            value = "\n".join(map(str, value))
        return [(prefix, str(value))]
    return [
        fact
        for name, part in value.items()
        for fact in facts(part, f"{prefix}.{name}" if prefix else str(name))
    ]
