"""Faults of runners: their kinds, and how each changes a model."""

import dataclasses

import numpy as np

GRAVITY = 9.81  # m/s²


@dataclasses.dataclass(frozen=True)
class Fault:
    """Change of body or terrain that no observation names.

    Attributes:
      onset: control step from which it holds.
      disabled: numbers of the actuators without torque.
      slope: angle of the ground in rad; a positive one is uphill.
      payload: mass added to the torso, as a share of the mass of the whole body.
      gravity: factor of the earth's gravity.
    """

    onset: int = 0
    disabled: tuple[int, ...] = ()
    slope: float = 0.0
    payload: float = 0.0
    gravity: float = 1.0

    def hidden(self, actuators: int) -> tuple[float, ...]:
        """Return the onset, then the difference from no fault: zeros without one.

        Args:
          actuators: A, number of the actuators.

        Returns:
          A + 4 numbers: onset, lost torque of each actuator as a share, slope, payload
          and additional gravity.
        """
        lost = [float(i in self.disabled) for i in range(actuators)]
        return (float(self.onset), *lost, self.slope, self.payload, self.gravity - 1)

    def apply(self, model, torso: int):
        """Change a MuJoCo model without any other fault.

        On an endless slope nothing but the direction of gravity differs from level
        ground, if heights and angles are those from the ground.

        Args:
          model: the model.
          torso: number of the body that carries the payload.
        """
        disabled = list(self.disabled)
        model.actuator_gainprm[disabled] = 0.0
        model.actuator_biasprm[disabled] = 0.0
        model.body_mass[torso] += self.payload * model.body_mass.sum()
        down = np.array([np.sin(self.slope), 0.0, np.cos(self.slope)])
        model.opt.gravity[:] = -self.gravity * GRAVITY * down


def draw(
    kind: str,
    split: str,
    rng: np.random.Generator,
    parts: dict[str, tuple[tuple[int, ...], ...]],
) -> Fault:
    """Draw a fault of a kind; those of other splits lie outside the training range.

    The splits follow Nagabandi et al. (2019): a joint that never failed in training,
    and slopes steeper than any in training; payload and gravity are handled likewise.

    Args:
      kind: one of `KINDS`.
      split: name of the split.
      rng: source of randomness.
      parts: numbers of the actuators that fail together, by split.
    """
    onset = int(rng.integers(*ONSETS[split]))
    if kind == "joint":
        return Fault(onset, disabled=parts[split][rng.integers(len(parts[split]))])
    size = float(rng.uniform(*RANGES[kind][split]))
    if kind == "gravity":
        return Fault(onset, gravity=1 + size * int(rng.choice([-1, 1])))
    if kind == "slope" and split == "train":
        size *= int(rng.choice([-1, 1]))
    return Fault(onset, **{kind: size})


# Steps in which a fault may begin. Training also has episodes that begin with it.
ONSETS = {"train": (0, 250), "val": (100, 250), "test": (100, 250)}
RANGES = {
    "slope": {"train": (0.0, 0.15), "val": (0.15, 0.2), "test": (0.2, 0.3)},
    "payload": {"train": (0.0, 0.4), "val": (0.4, 0.5), "test": (0.5, 0.7)},
    "gravity": {"train": (0.0, 0.3), "val": (0.3, 0.35), "test": (0.35, 0.45)},
}
KINDS = ("joint", *RANGES)
