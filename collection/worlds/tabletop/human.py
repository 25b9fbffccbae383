"""Simulated human: a scripted expert with a random style of motion."""

import dataclasses

import numpy as np

from wtl.collection.worlds.tabletop import experts
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

# By `Command.noise`, the share of noise that a phase bears. Below the first number the
# simulated human keeps to the expert's commands, from the second on its style is full.
_STRICT = 0.1
_FREE = 0.5
_MAX_SPEED_UP = 0.25  # of the action per control step
_WOBBLE_MEMORY = 0.8  # of the wobble that is left after a control step
_TREMOR = 0.1  # of the wobble at full speed is there at rest
_WOBBLE_SHAPE = np.array([1.0, 1.0, 0.7, 0.5])
_YAW_RATE = 0.4  # of the largest yaw action
# Struck with a flat hand, a cylinder would stick between thumb and fingers.
_FLAT_HAND = ("push",)


@dataclasses.dataclass(frozen=True)
class HumanStyle:
    """Style of motion; actions are in the units of `World.step`.

    Attributes:
      reaction: control steps before the first move.
      approach_tempo: speed relative to the expert's, in the air.
      handling_tempo: the same, near objects and while holding one.
      bend: radians by which a fast move heads beside its goal.
      arch: z action per xy action; the hand flies higher the faster it moves.
      yaw: radians; yaw of the hand when any will do.
      pause_chance: per control step.
      wobble: standard deviation of the action's smooth noise at full speed.
      flat_finger: finger command for pushing with a flat hand.
    """

    reaction: int
    approach_tempo: float
    handling_tempo: float
    bend: float
    arch: float
    yaw: float
    pause_chance: float
    wobble: float
    flat_finger: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "HumanStyle":
        """Draw a style."""
        return cls(
            reaction=int(rng.integers(0, 4)),
            approach_tempo=float(rng.uniform(0.55, 0.85)),
            handling_tempo=float(rng.uniform(0.55, 0.95)),
            bend=float(rng.choice((-1, 1)) * rng.uniform(0.15, 0.5)),
            arch=float(rng.uniform(0.2, 0.5)),
            yaw=float(rng.uniform(-0.7, 0.1)),
            pause_chance=float(rng.uniform(0.0, 0.06)),
            wobble=float(rng.uniform(0.1, 0.25)),
            flat_finger=float(rng.uniform(0.05, 0.25)),
        )


class Human:
    """Simulated human with memory, made anew for each episode."""

    def __init__(self, family: str, rng: np.random.Generator):
        """Draw a style, and later all other random numbers, from `rng`."""
        self._expert = experts.DEMONSTRATORS[family]
        self._flat = family in _FLAT_HAND
        self._rng = rng
        self.style = HumanStyle.draw(rng)
        self._pause = self.style.reaction
        self._speed = 0.0
        self._wobble = np.zeros(4)
        self._finger = expert.OPEN

    def __call__(self, world: worlds.World, index: int) -> experts.Command:
        """Return the command; its noise is 0, since the human's own is part of it."""
        command = self._expert(world, index)
        freedom = np.clip((command.noise - _STRICT) / (_FREE - _STRICT), 0, 1)
        action = command.action.copy()
        if self._rests(freedom):
            action[:4] = 0
            action[4] = self._finger
        else:
            self._shape(action, world, command.noise >= _FREE)
            self._pace(action, command.noise, freedom)
            if self._flat:
                action[4] = self.style.flat_finger
        self._speed = float(np.linalg.norm(action[:3]))
        self._finger = action[4]
        innovation = np.sqrt(1 - _WOBBLE_MEMORY**2) * self._rng.standard_normal(4)
        self._wobble = _WOBBLE_MEMORY * self._wobble + innovation
        # As in people, the noise grows with the speed: it does not spoil the aim.
        wobble = self.style.wobble * (_TREMOR + self._speed) * self._wobble
        action[:4] += command.noise * _WOBBLE_SHAPE * wobble
        return experts.Command(np.clip(action, -1, 1), noise=0.0)

    def _rests(self, freedom: float) -> bool:
        if self._pause == 0 and self._rng.random() < self.style.pause_chance:
            self._pause = int(self._rng.integers(1, 4))
        # It never stops in the middle of a strike.
        if self._pause == 0 or freedom == 0:
            return False
        self._pause -= 1
        return True

    def _shape(self, action: np.ndarray, world: worlds.World, in_the_air: bool):
        """Bend the way sideways and upwards, and turn the hand to the style's yaw."""
        if not in_the_air:
            return
        fast = float(np.linalg.norm(action[:2]))
        angle = self.style.bend * min(fast, 1.0)
        sine, cosine = np.sin(angle), np.cos(angle)
        action[:2] = np.array([[cosine, -sine], [sine, cosine]]) @ action[:2]
        action[2] += self.style.arch * fast
        if action[3] == 0:  # the expert leaves the yaw as it is
            turn = self.style.yaw - world.setpoint[3]
            action[3] = np.clip(turn, -_YAW_RATE, _YAW_RATE)

    def _pace(self, action: np.ndarray, noise: float, freedom: float):
        """Slow down, and speed up no faster than an arm does."""
        air = noise >= 1
        tempo = self.style.approach_tempo if air else self.style.handling_tempo
        action[:4] *= 1 - (1 - tempo) * freedom
        if freedom > 0:
            speed = np.linalg.norm(action[:3])
            action[:3] *= min(1.0, (self._speed + _MAX_SPEED_UP) / max(speed, 1e-9))
