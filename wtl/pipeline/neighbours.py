"""Episodes that are played side by side; a control is given its neighbour's."""

from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract.errors import UserError
from wtl.evaluation.scenario import Scenario


def arranged(planned: Sequence[Scenario], batch: int) -> list[Scenario]:
    """Return scenarios in an order in which neighbours have different faults.

    Neighbours are of different families where no family has more than half of a batch.

    Args:
      planned: scenarios.
      batch: number of those that are played side by side.
    """
    ordered = []
    for start in range(0, len(planned), batch):
        part = sorted(
            planned[start : start + batch],
            key=lambda scenario: (scenario.task.family, scenario.task.task_id),
        )
        half = -(-len(part) // 2)
        ordered += [part[i // 2 + i % 2 * half] for i in range(len(part))]
    return ordered


def given(count: int, batch: int) -> np.ndarray:
    """Return int[count], the place of the episode whose transitions each is given.

    It is the one before in the same batch, and for the first the last one, as
    `wtl.policies.planner.policy` takes it.
    """
    place = np.arange(count)
    start = place // batch * batch
    return start + (place - start - 1) % np.minimum(batch, count - start)


def require_another_task(method: str, planned: Sequence[Scenario], batch: int):
    """Check that a control is given the transitions of another task.

    Raises:
      UserError: if a neighbour is of the same task.
    """
    for scenario, place in zip(planned, given(len(planned), batch), strict=True):
        if planned[place].task.task_id == scenario.task.task_id:
            split = scenario.task.split
            raise UserError(
                f"{method} needs an episode of another task beside each, but "
                f"{scenario.task.task_id} has none among {len(planned)}, of which "
                f"{batch} are played side by side; add one to suite.{split}_tasks"
            )
