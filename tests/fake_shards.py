"""Shards of fake episodes, for tests of their players."""

import dataclasses
import os
import pathlib
import signal

from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.testing.fakes import fake_episode


@dataclasses.dataclass(frozen=True)
class FakeShard:
    """Episodes without a simulator.

    Attributes:
      numbers: of the episodes.
      fatal: file; where it is not there, it is made and the process killed.
      fails: error that playing raises.
      renders: whether it needs an environment in a process of its own, as images do.
    """

    numbers: tuple[int, ...]
    fatal: pathlib.Path | None = None
    fails: type[Exception] | None = None
    renders: bool = False

    @property
    def episode_ids(self):
        return tuple(fake_episode(i).id for i in self.numbers)

    @property
    def name(self):
        return "-".join(map(str, self.numbers))

    def play(self):
        if self.fails:
            raise self.fails("no such scene")
        if self.renders:
            suite = TaskDistribution(train_object_sets=1, train_tasks=1)
            scenes = suite.demonstration_scenes(suite.tasks("train")[0])
            with ProcessVectorEnvironment(1) as pool:
                observed = pool.reset(scenes[:2])
            assert len(observed["state"]) == 2
        played = [fake_episode(i) for i in self.numbers]
        if self.fatal and not self.fatal.exists():
            self.fatal.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return played
