"""How well a control loop keeps time."""

import numpy as np

MIN_SHARE = 0.95  # of the wanted rate; episodes below are flagged


class Cadence:
    """Measures one episode's control rate and latency."""

    def __init__(self, hz: float):
        """Measures against `hz`, in simulated time."""
        self._hz = hz
        self._last: float | None = None
        self._lateness = []
        self._latencies = []

    def step(self, now: float, period: float):
        """A control step was made.

        Args:
          now: when, seconds.
          period: seconds it should have come after the one before.
        """
        if self._last is not None:
            self._lateness.append((now - self._last) / period)
        self._last = now

    def pause(self):
        """The world waits: the next step follows none."""
        self._last = None

    def answer(self, latency: float):
        """A command took `latency` seconds to be seen."""
        self._latencies.append(latency)

    @property
    def rate(self) -> float:
        """Control steps per simulated second while the world ran; Hz."""
        if not self._lateness:
            return self._hz
        return self._hz / float(np.mean(self._lateness))

    @property
    def is_slow(self) -> bool:
        """Whether the loop fell behind so far that the episode is flagged."""
        return self.rate < MIN_SHARE * self._hz

    @property
    def latency(self) -> float:
        """Median seconds from a command to the picture that shows it."""
        return float(np.median(self._latencies)) if self._latencies else 0.0
