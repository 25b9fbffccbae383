"""Check of the actions that code of a user returns."""

import numpy as np
from dm_env import specs

_ROUNDING = 1e-5  # share of the range of an action


def fault(action: np.ndarray, spec: specs.BoundedArray) -> str | None:
    """Return why an array is no action of a spec, a clause, or None."""
    if action.shape != tuple(spec.shape):
        return f"has shape {action.shape}, not {tuple(spec.shape)}"
    if action.dtype.kind not in "fiu" or not np.isfinite(action).all():
        return f"is not finite: {action}"
    slack = _ROUNDING * (spec.maximum - spec.minimum)
    if ((action < spec.minimum - slack) | (action > spec.maximum + slack)).any():
        return f"is outside [{spec.minimum}, {spec.maximum}]: {action}"
    return None
