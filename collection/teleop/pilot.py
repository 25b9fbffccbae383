"""A policy that drives, as a session sees it; it thinks in another process.

Software OpenGL and TensorFlow do not go together in one.
"""

import contextlib
from multiprocessing.connection import Connection
from typing import Protocol

import numpy as np

from wtl.datasets.contract.errors import UserError

Observation = dict[str, np.ndarray]


class Pilot(Protocol):
    """Says what to do next, when it is ready."""

    policy_id: str

    def begin(self, shown: str, observation: Observation):
        """A new attempt, for which the policy is shown a demonstration.

        Args:
          shown: id of the demonstration.
          observation: the first one of the attempt.
        """

    def ask(self, observation: Observation):
        """Wants an action for this observation; what was asked before is void."""

    def answer(self) -> np.ndarray | None:
        """The float32[5] action, or None while it is being thought about."""


class RemotePilot:
    """A pilot in a process that runs `assistant.assist`."""

    def __init__(self, connection: Connection):
        """Waits until the policy is loaded.

        Raises:
          UserError: if it can't be.
        """
        self._connection = connection
        self._asked = 0
        with self._alive():
            self.policy_id, problem = connection.recv()
        if problem:
            raise UserError(f"the policy can't assist: {problem}")

    def begin(self, shown: str, observation: Observation):
        """See `Pilot`."""
        with self._alive():
            self._connection.send(("begin", (shown, observation)))

    def ask(self, observation: Observation):
        """See `Pilot`."""
        self._asked += 1
        with self._alive():
            self._connection.send(("ask", (self._asked, observation)))

    def answer(self) -> np.ndarray | None:
        """See `Pilot`."""
        with self._alive():
            while self._connection.poll():
                number, action = self._connection.recv()
                if number == self._asked:
                    return action
        return None

    @contextlib.contextmanager
    def _alive(self):
        try:
            yield
        except (EOFError, OSError) as error:
            raise UserError(
                "the policy's process died (out of memory?); what is kept is safe: run "
                "the same command again, or without teleop.assist"
            ) from error
