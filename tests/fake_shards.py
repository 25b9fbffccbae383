"""Shards of fake episodes, for tests of whoever plays them."""

import dataclasses
import os
import pathlib
import signal

from datasets.fakes import fake_episode


@dataclasses.dataclass(frozen=True)
class FakeShard:
    """Episodes without a simulator.

    Attributes:
      numbers: of the episodes.
      fatal: file; where it is not there, it is made and the process killed.
      fails: whether playing raises.
    """

    numbers: tuple[int, ...]
    fatal: pathlib.Path | None = None
    fails: bool = False

    @property
    def episode_ids(self):
        return tuple(fake_episode(i).id for i in self.numbers)

    def play(self):
        if self.fails:
            raise ValueError("no such scene")
        played = [fake_episode(i) for i in self.numbers]
        if self.fatal and not self.fatal.exists():
            self.fatal.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return played
