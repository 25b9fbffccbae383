"""Quality measures of a recorded episode."""

import dataclasses
import hashlib

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.format import decoding

# Shares above these are flagged; scripted demonstrations stay below them.
IDLE_SHARE = 0.8
SATURATED_SHARE = 0.2
_STILL = 0.02  # of the largest action
_SATURATED = 0.999  # likewise
_LATE = 0.2  # of the control period


@dataclasses.dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one episode.

    Attributes:
      transitions: T.
      seconds: from the first timestamp to the last.
      reward: sum of the rewards.
      idle: share of idle steps up to the last active one; 1 if no step is active. A
        step is idle if no axis moves and the last axis, a setpoint, does not change.
      saturated: share of actions at their limits, over all axes but the last.
      late: number of steps whose period is off by more than a fifth.
      digest: hash of states and actions, equal for equal episodes.
    """

    transitions: int
    seconds: float
    reward: float
    idle: float
    saturated: float
    late: int
    digest: bytes

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the measures outside their usual range."""
        found = {
            "idle": self.idle > IDLE_SHARE,
            "saturated": self.saturated > SATURATED_SHARE,
            "off-rate": self.late > 0,
        }
        return tuple(name for name, holds in found.items() if holds)


def measure(
    features: decoding.Features, spec: EpisodeSpec, control_hz: float
) -> Quality:
    """Measure an episode split by `decoding.split`, without images and physics states.

    Raises:
      DecodeError: if it is damaged.
    """
    arrays = spec.step_arrays()

    def array(name: str) -> np.ndarray:
        return decoding.step_array(features, name, *arrays[name])

    timestamp = array(fields.TIMESTAMP)
    if len(timestamp) < 2:
        raise decoding.DecodeError("there is no transition")
    idle = saturated = reward = 0.0
    if spec.action_size:
        action = _fractions(array(fields.ACTION)[:-1], spec)
        idle, saturated = _idle(action), _saturated(action)
        reward = float(array(fields.REWARD).sum())
    late = np.abs(np.diff(timestamp) * control_hz - 1) > _LATE
    return Quality(
        transitions=len(timestamp) - 1,
        seconds=float(timestamp[-1] - timestamp[0]),
        reward=reward,
        idle=idle,
        saturated=saturated,
        late=int(late.sum()),
        digest=_digest(features, spec),
    )


def _fractions(action: np.ndarray, spec: EpisodeSpec) -> np.ndarray:
    """Return actions as fractions of their limits; those without limits are 0."""
    if not spec.action_low:
        return action
    low, high = np.array(spec.action_low), np.array(spec.action_high)
    limited = np.isfinite(low) & np.isfinite(high)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-12)
    return np.where(limited, (action - middle) / half, 0.0)


def _idle(action: np.ndarray) -> float:
    moved = (np.abs(action[:, :-1]) >= _STILL).any(axis=1)
    # The setpoint before the first step is unknown.
    moved[1:] |= np.abs(np.diff(action[:, -1])) >= _STILL
    last = np.flatnonzero(moved)
    if not len(last):
        return 1.0
    return float(1 - moved[: last[-1] + 1].mean())


def _saturated(action: np.ndarray) -> float:
    axes = action[:, :-1] if action.shape[1] > 1 else action
    return float((np.abs(axes) >= _SATURATED).mean())


def _digest(features: decoding.Features, spec: EpisodeSpec) -> bytes:
    """Return a hash of states and actions, or of the images if there are neither."""
    names = [o.name for o in spec.vectors] + [fields.ACTION] * bool(spec.action_size)
    digest = hashlib.blake2b(digest_size=16)
    for name in names or [o.name for o in spec.cameras]:
        key = fields.step_key(name)
        if key in features:
            digest.update(features[key][1])
    return digest.digest()
