"""Control rate and latency of an attempt."""

import numpy as np

MIN_SHARE = 0.95  # of the wanted rate; slower episodes are flagged


class RateMonitor:
    """Measures the control rate and the latency of one episode."""

    def __init__(self, hz: float):
        """Measure against `hz`, in simulated time."""
        self._hz = hz
        self._last: float | None = None
        self._lateness = []
        self._latencies = []

    def step(self, now: float, period: float):
        """Record a control step, due a period after the one before, in seconds."""
        if self._last is not None:
            self._lateness.append((now - self._last) / period)
        self._last = now

    def pause(self):
        """Record that the simulation waits: the next step follows none."""
        self._last = None

    def answer(self, latency: float):
        """Record the seconds from a command to the picture that shows it."""
        self._latencies.append(latency)

    @property
    def rate(self) -> float:
        """Control steps per simulated second while the simulation ran, Hz."""
        if not self._lateness:
            return self._hz
        return self._hz / float(np.mean(self._lateness))

    @property
    def is_slow(self) -> bool:
        """Whether the rate is so low that the episode is flagged."""
        return self.rate < MIN_SHARE * self._hz

    @property
    def latency(self) -> float:
        """Median seconds from a command to the picture that shows it."""
        return float(np.median(self._latencies)) if self._latencies else 0.0
