"""The operator's hands: what is commanded between one control step and the next."""

import dataclasses

from wtl.collection.teleop.command import IDLE, Command
from wtl.collection.teleop.rate_monitor import Cadence

FINGER_STEPS = 3  # control steps for the fingers to open or close
DEAD_MAN_SECONDS = 0.5  # a moving command must be repeated this often
FIRST_FINGER = 1.0  # scenes start with closed fingers


class Helm:
    """Holds a command until the next one, and never misses a tap.

    Attributes:
      finger: from open (-1) to closed (1).
    """

    def __init__(self, stale: bool = False):
        """Begins a scene with hands off.

        Args:
          stale: a key is still held from before, and must be released first.
        """
        self.finger = FIRST_FINGER
        self._stale = stale
        self._settle = 0
        self._command = IDLE
        self._tap: Command | None = None
        self._obeyed = False
        self._heard = 0.0
        self._asked = (0.0, 0, 0.0)
        self._seen = 0

    @property
    def is_held(self) -> bool:
        """Whether a command holds that moves something."""
        return self._command.moves

    @property
    def fingers_move(self) -> bool:
        """Whether the fingers are on their way."""
        return self._settle > 0

    def take(self, command: Command, received: float, seq: int, rtt: float):
        """Takes a command; see `Session.drive`."""
        self._heard = received
        if not command.moves:
            self._stale = False
        elif self._stale:
            return
        finger = self.finger if command.finger is None else command.finger
        # Said once it holds; were it repeated, it would reach into the next scene.
        command = dataclasses.replace(command, finger=None)
        if (command, finger) == (self._command, self.finger):
            return
        if self._command.moves and not self._obeyed:
            # Pressed and released between two control steps: still one step.
            self._tap = self._command
        if finger != self.finger:
            self.finger, self._settle = finger, FINGER_STEPS
        self._command, self._obeyed = command, False
        self._asked = (received, seq, rtt)

    def let_go(self):
        """Hands off: whatever moved stops."""
        self._command, self._tap, self._settle = IDLE, None, 0

    def read(self, now: float) -> Command:
        """The command for a control step that may be made now."""
        if self._command.moves and now - self._heard > DEAD_MAN_SECONDS:
            self.let_go()
        command, self._tap = self._tap or self._command, None
        return command

    def obeyed(self):
        """The step was made as commanded."""
        self._obeyed = True
        self._settle = max(0, self._settle - 1)

    def seen(self, now: float, cadence: Cadence) -> int:
        """A picture was made: returns the number of the command that it shows."""
        received, seq, rtt = self._asked
        if self._obeyed and seq != self._seen:
            self._seen = seq
            cadence.answer(now - received + rtt)
        return self._seen
