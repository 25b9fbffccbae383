"""Configuration of the replay of demonstrations."""

import dataclasses

from wtl.policies import interface


@dataclasses.dataclass(frozen=True)
class ReplayConfig(interface.Interface):
    """Replay of one of the demonstrations that are given."""

    every_frame: bool = True

    def __post_init__(self):
        super().__post_init__()
        interface.require("chunk", self.chunk, (1,))
