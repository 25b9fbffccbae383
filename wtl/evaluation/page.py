"""HTML files that need nothing else, from the templates beside this module."""

import base64
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import jinja2
import markupsafe

from wtl.evaluation import glossary, table
from wtl.evaluation.figures import palette


def write(path: str | os.PathLike, template: str, **values) -> None:
    """Renders a template and writes it at once, never half of it.

    Args:
      path: of the HTML file.
      template: its name.
      **values: what it shows.
    """
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
        "ceiling_caveat": table.ceiling_caveat,
        "label": glossary.label,
        "colour": palette.colour,
        "picture": _picture,
        "svg": markupsafe.Markup,  # of our own making, escaped there
    }
    text = environment.get_template(template).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _picture(svg: str, words: str) -> markupsafe.Markup:
    """An SVG document as a picture, apart from the styles of the page."""
    data = base64.b64encode(svg.encode()).decode()
    image = '<img class="chart" alt="{}" src="data:image/svg+xml;base64,{}">'
    return markupsafe.Markup(image).format(words, data)


def facts(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as pairs of a dotted name and text."""
    if not isinstance(value, Mapping):
        if isinstance(value, (list, tuple)):
            value = "\n".join(map(str, value))
        return [(prefix, str(value))]
    return [
        fact
        for name, part in value.items()
        for fact in facts(part, f"{prefix}.{name}" if prefix else str(name))
    ]
