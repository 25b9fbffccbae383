"""Client of the process in which a policy acts.

Software OpenGL and TensorFlow crash in one process.
"""

from multiprocessing.connection import Connection

import numpy as np

from wtl.datasets.contract.errors import UserError

Observation = dict[str, np.ndarray]


class PolicyDriver:
    """Policy that acts for the operator, in a process of `policy_process.serve`.

    It answers when it is ready.
    """

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
        """Begin an attempt, given the id of a demonstration and an observation."""
        self._call(self._connection.send, ("begin", (shown, observation)))

    def ask(self, observation: Observation):
        """Request an action for an observation; earlier requests become void."""
        self._asked += 1
        self._call(self._connection.send, ("ask", (self._asked, observation)))

    def answer(self) -> np.ndarray | None:
        """Return the float32[A] action, or None while it is being computed."""
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
