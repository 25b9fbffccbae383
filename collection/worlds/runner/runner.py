"""Runners as worlds."""

import dataclasses
import functools

from wtl.collection.worlds.plain.task import PlainTask
from wtl.collection.worlds.plain.world import dm_env_world
from wtl.collection.worlds.runner import body, environment, fault
from wtl.collection.worlds.runner import layout as layouts
from wtl.collection.worlds.world import World
from wtl.datasets.contract import seeding

_HORIZON = 500


@dataclasses.dataclass(frozen=True)
class RunnerTask(PlainTask):
    """Task to run through one fault, whose parameters are those of a `Fault`."""

    actuators: int = 0

    @property
    def hidden(self) -> tuple[float, ...]:
        """Onset and size of the fault, see `Fault.hidden`."""
        return fault.Fault(**self.parameters).hidden(self.actuators)


def _tasks(runner: body.Body, split: str, seed: int, *, count: int) -> list[RunnerTask]:
    """Draw tasks with the kinds of faults in turn."""
    made = []
    for i in range(count):
        kind = fault.KINDS[i % len(fault.KINDS)]
        rng = seeding.generator(seed, "fault", split, i)
        drawn = fault.draw(kind, split, rng, runner.parts)
        made.append(
            RunnerTask(
                f"{split}-{i:05d}",
                kind,
                split,
                dataclasses.asdict(drawn),
                "Run forwards.",
                actuators=len(runner.actuators),
            )
        )
    return made


def _world(name: str, layout: type[layouts.RunnerLayout]) -> World:
    runner = layout.body

    def make(task: RunnerTask, seed: int) -> environment.Runner:
        return environment.Runner(runner, fault.Fault(**task.parameters), seed)

    world = dm_env_world(
        name,
        make,
        functools.partial(_tasks, runner),
        horizon=_HORIZON,
        control_hz=runner.control_hz,
        reward=functools.partial(environment.reward, runner),
        ends=functools.partial(environment.has_fallen, runner),
        version="1.2.0",
    )
    drawn = layout.of(world.episodes)
    return dataclasses.replace(
        world, encoder=lambda size: drawn, rehearse=environment.Runner.rehearse
    )


HALF_CHEETAH = _world("half_cheetah", layouts.HalfCheetahLayout)
QUADRUPED = _world("quadruped", layouts.QuadrupedLayout)
