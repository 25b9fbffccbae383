"""Body that acts in a scene."""

import enum


class Embodiment(enum.StrEnum):
    """The robot, or a human who does the same."""

    ROBOT = "robot"
    HUMAN = "human"
