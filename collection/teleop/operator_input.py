"""State of the operator's devices between one control step and the next."""

import dataclasses

from wtl.collection.teleop.interface import IDLE, Command, Teleop
from wtl.collection.teleop.rate_monitor import RateMonitor

REPEAT_SECONDS = 0.5  # a moving command must be repeated this often


class OperatorInput:
    """Holds a command until the next one, and never misses a tap.

    Attributes:
      latch: value of the latched axis.
    """

    def __init__(self, teleop: Teleop, stale: bool = False):
        """Begin a scene at rest; a `stale` key is still held, and must be released."""
        self.latch = teleop.first_latch
        self._latch_steps = teleop.latch_steps
        self._stale = stale
        self._settling = 0
        self._command = IDLE
        self._tap: Command | None = None
        self._obeyed = False
        self._heard = 0.0
        self._asked = (0.0, 0, 0.0)
        self._seen = 0

    @property
    def is_held(self) -> bool:
        """Whether a moving command holds."""
        return self._command.moves

    @property
    def is_settling(self) -> bool:
        """Whether the latched axis is on its way to its value."""
        return self._settling > 0

    def take(self, command: Command, received: float, seq: int, rtt: float):
        """Take a command; see `Session.drive`."""
        self._heard = received
        if not command.moves:
            self._stale = False
        elif self._stale:
            return
        latch = self.latch if command.latch is None else command.latch
        # Taken once; were it repeated, it would reach into the next scene.
        command = dataclasses.replace(command, latch=None)
        if (command, latch) == (self._command, self.latch):
            return
        if self._command.moves and not self._obeyed:
            # Pressed and released between two control steps: still one step.
            self._tap = self._command
        if latch != self.latch:
            self.latch, self._settling = latch, self._latch_steps
        self._command, self._obeyed = command, False
        self._asked = (received, seq, rtt)

    def release(self):
        """Stop whatever moves."""
        self._command, self._tap, self._settling = IDLE, None, 0

    def read(self, now: float) -> Command:
        """Return the command for a control step that may be made now."""
        if self._command.moves and now - self._heard > REPEAT_SECONDS:
            self.release()
        command, self._tap = self._tap or self._command, None
        return command

    def obeyed(self):
        """Record that a step was made as commanded."""
        self._obeyed = True
        self._settling = max(0, self._settling - 1)

    def seen(self, now: float, monitor: RateMonitor) -> int:
        """Record a picture; return the number of the command that it shows."""
        received, seq, rtt = self._asked
        if self._obeyed and seq != self._seen:
            self._seen = seq
            monitor.answer(now - received + rtt)
        return self._seen
