"""Latencies of a server's replies, by kind of request."""

import collections

import numpy as np

_KEPT = 100_000  # newest latencies of each kind


class Latencies:
    """Milliseconds from the arrival of requests until their replies were sent."""

    def __init__(self):
        """Begin without any."""
        self._kinds = collections.defaultdict(lambda: collections.deque(maxlen=_KEPT))
        self._counts = collections.Counter()

    def add(self, kind: str, milliseconds: float):
        """Record a request."""
        self._kinds[kind].append(milliseconds)
        self._counts[kind] += 1

    def report(self) -> str:
        """Return a table, a line for each kind of request; empty without requests."""
        if not self._kinds:
            return ""
        lines = [
            f"{'request':<12}{'count':>9}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}"
        ]
        for kind, found in sorted(self._kinds.items()):
            numbers = (*np.percentile(found, (50, 99)), max(found))
            cells = "".join(f"{number:>10.2f}" for number in numbers)
            lines.append(f"{kind:<12}{self._counts[kind]:>9}{cells}")
        return "\n".join(lines)
