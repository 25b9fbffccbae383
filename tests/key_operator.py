"""A scripted operator who has nothing but the keys of the page.

Looks at the true state, as a person looks at the picture, asks the demonstrator of the
family where to go, and presses the keys that come nearest.
"""

import dataclasses

import numpy as np

from wtl.collection.teleop.interface import Command
from wtl.collection.worlds.tabletop import experts
from wtl.collection.worlds.tabletop import world as worlds

# Gaits of the page: key that is held, share of the largest translation and turn.
GAITS = {
    "fast": ("f", 1.0, 0.8),
    "normal": (None, 0.4, 0.4),
    "slow": ("Shift", 0.12, 0.1),
}
_KEYS = (
    ("ArrowRight", "ArrowLeft"),
    ("ArrowUp", "ArrowDown"),
    ("w", "s"),
    ("z", "x"),
)


@dataclasses.dataclass(frozen=True)
class Press:
    """Keys held for one control step.

    Attributes:
      keys: their names, in the order of pressing.
      command: what the page makes of them.
    """

    keys: tuple[str, ...]
    command: Command


def press(
    family: str, world: worlds.World, target: int, one_key: bool = False
) -> Press:
    """Keys to press now.

    Args:
      family: name of the family.
      world: the scene.
      target: canonical index of the target.
      one_key: one key at a time, beside that of the gait.
    """
    wanted = experts.DEMONSTRATORS[family](world, target).action
    finger = 1.0 if wanted[4] > 0 else -1.0
    toggled = finger != world.finger_command
    if toggled and one_key:
        return Press((" ",), Command((0.0,) * 4, finger))
    axes = wanted[:4].copy()
    if one_key:
        share = np.abs(axes) * (1, 1, 1, 0.6)  # being in place matters most
        axes[np.arange(4) != share.argmax()] = 0
    largest = np.abs(axes).max()
    name = "fast" if largest > 0.7 else "normal" if largest > 0.25 else "slow"
    held, pace, turn = GAITS[name]
    size = np.array([pace, pace, pace, turn])
    sign = np.where(np.abs(axes) > size / 2, np.sign(axes), 0.0)
    keys = [_KEYS[i][0 if s > 0 else 1] for i, s in enumerate(sign) if s]
    if keys and held:
        keys.insert(0, held)
    if not keys:
        keys.append("t")
    if toggled:
        keys.append(" ")
    command = Command(
        axes=tuple((sign * size).tolist()),
        latch=finger if toggled else None,
        wait=not sign.any(),
    )
    return Press(tuple(keys), command)
