"""Which body acts on the table."""

import enum


class Embodiment(enum.StrEnum):
    """A body; its value prefixes the names of its parts in the model."""

    GRIPPER = "gripper"
    HAND = "hand"
