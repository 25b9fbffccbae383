"""Teleoperation: a person records what a run lacks."""

from collections.abc import Sequence

from collection.teleop import messages, plan, server, simulation
from datasets import fields
from wtl.envs import families as known_families
from wtl.envs import suite as suites
from wtl.errors import UserError
from wtl.pipeline import collect_demos
from wtl.pipeline.run import Run


def teleop(
    run: Run,
    host: str,
    port: int,
    split: str = suites.TRAIN,
    families: Sequence[str] = tuple(known_families.FAMILIES),
    tasks: int = 40,
    demonstrations: int = 2,
    speed: float = 1.0,
):
    """Lets a person record demonstrations in the browser, until they quit.

    What is kept lies in `RUN/teleop`; `wtl collect_demos` takes it into `wtl_demos`
    where `collect_demos.teleop` is set.

    Args:
      run: the run.
      host: address to listen on.
      port: 0 takes a free one.
      split: whose tasks.
      families: names of the families to record.
      tasks: how many tasks, the first ones of the suite.
      demonstrations: of each task.
      speed: of the simulated clock relative to that of the wall, to begin with.

    Raises:
      UserError: if the configuration is wrong or the session can't go on.
    """
    if split not in suites.SPLITS:
        raise UserError(f"teleop.split is {split!r}; known are {suites.SPLITS}")
    unknown = set(families) - set(known_families.FAMILIES)
    if unknown:
        raise UserError(
            f"teleop.families names {', '.join(sorted(unknown))}; known are "
            f"{', '.join(known_families.FAMILIES)}"
        )
    if speed not in messages.SPEEDS:
        raise UserError(f"teleop.speed is {speed}; known are {messages.SPEEDS}")
    planned = items(run, split, families, tasks, demonstrations)
    if not planned:
        raise UserError("there is nothing to record: no task is of teleop.families")
    last = server.run(
        simulation.Assignment(
            items=planned,
            staging=str(run.folder.teleop),
            spec=run.teleop_spec,
            size=run.suite.size,
            speed=float(speed),
        ),
        host,
        port,
    )
    done, wanted = last["progress"]["episodes"]
    print(
        f"{done} of {wanted} demonstrations are kept in {run.folder.teleop}; "
        "`wtl collect_demos` with collect_demos.teleop = True takes them into the "
        "dataset"
    )


def items(
    run: Run, split: str, families: Sequence[str], tasks: int, demonstrations: int
) -> list[plan.Item]:
    """The first demonstrations of the first tasks; the same ids as scripted ones."""
    chosen = [t for t in run.suite.tasks(split) if t.family in families][:tasks]
    left = {task.task_id: demonstrations for task in chosen}
    result = []
    for request in collect_demos.requests(run, 0.0, demonstrations):
        task = request.setup.task
        if left.get(task.task_id, 0) > 0:
            left[task.task_id] -= 1
            result.append(
                plan.Item(
                    request.setup,
                    request.episode_id,
                    fields.ROLE_DEMO,
                    request.rule,
                )
            )
    return result
