"""Client of the process in which a policy acts.

Software OpenGL and TensorFlow crash in one process.
"""

from multiprocessing.connection import Connection

import numpy as np

from wtl.collection.teleop.interface import Observation
from wtl.datasets.contract.errors import UserError


class RemotePolicyDriver:
    """A `PolicyDriver` in a process that runs `policy_process.serve`."""

    def __init__(self, connection: Connection):
        """Wait until the policy is loaded.

        Raises:
          UserError: if it can't be loaded.
        """
        self._connection = connection
        self._asked = 0
        self.policy_id, problem = self._call(connection.recv)
        if problem:
            raise UserError(f"the policy can't assist: {problem}")

    def begin(self, shown: str, observation: Observation):
        """See `PolicyDriver`."""
        self._call(self._connection.send, ("begin", (shown, observation)))

    def ask(self, observation: Observation):
        """See `PolicyDriver`."""
        self._asked += 1
        self._call(self._connection.send, ("ask", (self._asked, observation)))

    def answer(self) -> np.ndarray | None:
        """See `PolicyDriver`."""
        while self._call(self._connection.poll):
            number, action = self._call(self._connection.recv)
            if number == self._asked:
                return action
        return None

    def _call(self, method, *arguments):
        try:
            return method(*arguments)
        except (EOFError, OSError) as error:
            raise UserError(
                "the policy's process died (out of memory?); saved episodes are safe: "
                "rerun the command, or run it without teleop.assist"
            ) from error
