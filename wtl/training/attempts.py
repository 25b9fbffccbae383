"""Draw of the tasks that are attempted in a round of meta-training."""

from wtl.collection.task_pool import Attempt, TaskPool
from wtl.datasets.contract import seeding


def draw_attempts(
    pool: TaskPool, count: int, seed: int, number: int
) -> tuple[list[Attempt], list[int]]:
    """Draw attempts, and a seed of the agent's noise in each.

    Args:
      pool: the tasks; each is drawn once before any is drawn again.
      count: number of attempts.
      seed: seed of training.
      number: number of the round.
    """
    attempts = []
    for place in range(number * count, (number + 1) * count):
        turn, index = divmod(place, pool.tasks)
        order = seeding.generator(seed, "tasks", turn).permutation(pool.tasks)
        rng = seeding.generator(seed, "goal", place)
        attempts.append(Attempt(int(order[index]), int(rng.integers(pool.goals))))
    first = number * count
    seeds = [
        seeding.derive_seed(seed, "attempt", attempt.task, first + i)
        for i, attempt in enumerate(attempts)
    ]
    return attempts, seeds
