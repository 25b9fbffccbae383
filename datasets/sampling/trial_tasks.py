"""Training tasks that are kept for trials."""

import numpy as np

from wtl.datasets.contract import seeding


def kept_for_trials(tasks: np.ndarray, share: float) -> np.ndarray:
    """Return the mask [N] of the episodes of tasks that are kept for trials.

    Trial policies are not trained on these tasks, and make their trials there. Where
    they know the tasks from training, their trials succeed more often than those on
    held-out tasks will, and a retrial policy learns to repeat the trial.

    Args:
      tasks: [N] task id of each episode.
      share: of the tasks to keep, the same ones for the same ids; 0 keeps none.
    """
    names = sorted(
        set(tasks.tolist()), key=lambda name: seeding.derive_seed(0, "kept", name)
    )
    return np.isin(tasks, names[: round(share * len(names))])
