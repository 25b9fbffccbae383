"""Body that acts in a scene."""

import enum


class Embodiment(enum.StrEnum):
    """Robot, or simulated human."""

    ROBOT = "robot"
    HUMAN = "human"
