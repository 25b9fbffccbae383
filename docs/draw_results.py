"""Draw the figures of the pages in docs/results, each from the numbers of its name.

python docs/draw_results.py
"""

import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from wtl.evaluation import figures

RESULTS = pathlib.Path(__file__).parent / "results"


def figure(numbers: Mapping[str, Any]) -> str:
    """Return the SVG figure of some results."""
    if "ablations" in numbers:
        return figures.ablations(numbers)
    if "arms" in numbers:
        return figures.trials_needed(numbers)
    if "trials" in numbers:
        return figures.trials(numbers)
    return figures.success(numbers["methods"])


def main():
    """Draw every figure that a page shows."""
    pages = "".join(page.read_text() for page in sorted(RESULTS.glob("*.md")))
    for name in re.findall(r"!\[[^]]*\]\((\S+)\.svg\)", pages):
        numbers = json.loads((RESULTS / f"{name}.json").read_text())
        (RESULTS / f"{name}.svg").write_text(figure(numbers))
        print(f"docs/results/{name}.svg")


if __name__ == "__main__":
    main()
