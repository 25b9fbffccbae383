"""Controller of the user: a function or a policy that is asked for each action."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract.errors import UserError


class Controller:
    """The user's function or policy, which is asked for each action."""

    def __init__(self, name: str, policy: Any):
        """Wrap a function of the observation, or an object with `act`, see `OwnPolicy`.

        Raises:
          UserError: if it is neither.
        """
        self._act = getattr(policy, "act", policy)
        if isinstance(policy, type) or not callable(self._act):
            raise UserError(f"{name} is neither a function nor an object with `act`")
        self._reset = getattr(policy, "reset", None)
        self.name = name
        self.policy_id = getattr(policy, "policy_id", "")

    def reset(self):
        """Begin an episode."""
        if self._reset:
            with self._calling("its reset"):
                self._reset(demos=(), trials=())

    def act(self, observation: Mapping[str, np.ndarray], step: int) -> np.ndarray:
        """Return the action for an observation, unchecked."""
        with self._calling(f"step {step}"):
            return np.asarray(self._act(observation))

    @contextlib.contextmanager
    def _calling(self, when: str) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{self.name} fails at {when}: {type(error).__name__}: {error}"
            ) from error
