"""Runners as worlds."""

import dataclasses
import functools
import itertools

from wtl.collection.worlds.plain.task import PlainTask
from wtl.collection.worlds.plain.world import dm_env_world
from wtl.collection.worlds.runner import body, environment, fault
from wtl.collection.worlds.runner import layout as layouts
from wtl.collection.worlds.world import World
from wtl.datasets.contract import seeding

_HORIZON = 500
_DIRECTED_HORIZON = 200
_DIRECTIONS = (("forward", 1.0), ("backward", -1.0))


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


def _directed_tasks(split: str, seed: int, *, count: int) -> list[PlainTask]:
    """Return tasks to run forwards and backwards in turn; each split has both."""
    del seed
    drawn = itertools.islice(itertools.cycle(_DIRECTIONS), count)
    return [
        PlainTask(f"{split}-{i:05d}", name, split, {"direction": direction})
        for i, (name, direction) in enumerate(drawn)
    ]


def _directed(task: PlainTask, seed: int) -> environment.Runner:
    sound = fault.Fault(onset=_DIRECTED_HORIZON + 1)
    return environment.Runner(body.HALF_CHEETAH, sound, seed, **task.parameters)


def _directed_world() -> World:
    """Return the half-cheetah of Finn et al. (2017), section 5.3.

    Its reward alone says whether to run forwards or backwards, so planners, which would
    have to know the reward, cannot run it.
    """
    world = dm_env_world(
        "half_cheetah_direction",
        _directed,
        _directed_tasks,
        horizon=_DIRECTED_HORIZON,
        control_hz=body.HALF_CHEETAH.control_hz,
    )
    drawn = layouts.HalfCheetahLayout.of(world.episodes)
    return dataclasses.replace(world, encoder=lambda size: drawn)


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
HALF_CHEETAH_DIRECTION = _directed_world()
