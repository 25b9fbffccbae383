"""Names that users type: the nearest known one, and lists of names at commas."""

import difflib
from collections.abc import Callable, Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'NAME'?" with the nearest known name, '' if none is."""
    by_lower = {str(other).lower(): str(other) for other in known}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.5)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def listed(text: str, is_known: Callable[[str], bool]) -> list[str]:
    """Split a list at its commas, but at none inside a known name.

    Args:
      text: names, separated by commas.
      is_known: whether a text is a known name.

    Returns:
      The fewest known names that the text lists; where no reading has known names
      alone, the parts between all commas.
    """
    parts = text.split(",")
    # Fewest known names that list the first n parts, by n.
    best: list[list[str] | None] = [[]] + [None] * len(parts)
    for end in range(1, len(parts) + 1):
        for start in range(end):
            before, name = best[start], ",".join(parts[start:end])
            better = before is not None and (
                best[end] is None or len(before) + 1 < len(best[end])
            )
            if better and is_known(name):
                best[end] = [*before, name]
    return parts if best[-1] is None else best[-1]
