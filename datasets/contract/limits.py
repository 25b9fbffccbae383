"""Types of settings with limits, which are checked where gin binds a setting."""

from typing import Annotated, NamedTuple


class Limits(NamedTuple):
    """Least and greatest value of a number."""

    least: float
    greatest: float = float("inf")


Count = Annotated[int, Limits(1)]
Natural = Annotated[int, Limits(0)]
Share = Annotated[float, Limits(0, 1)]
NotNegative = Annotated[float, Limits(0)]
