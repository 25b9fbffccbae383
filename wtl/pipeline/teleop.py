"""Teleoperation: an operator records episodes that a run lacks."""

import contextlib
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from wtl.collection import worker
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop import messages, policy_process, server, simulation
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.pipeline import choices, teleop_plan
from wtl.pipeline.run import Run
from wtl.training.policy_config import config_for

DEMONSTRATIONS, TRIALS = RECORDED = ("demonstrations", "trials")


def teleop(
    run: Run,
    host: str,
    port: int,
    record: str = DEMONSTRATIONS,
    split: str = fields.SPLIT_TRAIN,
    families: Sequence[str] | None = None,
    tasks: Count = 40,
    per_task: Count = 2,
    speed: float = 1.0,
    assist: str = "",
):
    """Serve a page on which an operator records episodes, until they quit.

    Saved episodes are in `RUN/teleop`; `collect_demos.teleop` and
    `collect_trials.teleop` take them into the datasets.

    Args:
      run: the run.
      host: address to listen on.
      port: 0 takes a free one.
      record: `demonstrations`, or `trials` and retrials of demonstrations that the
        run has.
      split: of the tasks.
      families: names of the families to record; None for all of the world.
      tasks: number of tasks, the first ones of the split.
      per_task: demonstrations, or pairs of a trial and a retrial, of each task.
      speed: of the simulated clock relative to the wall clock, to begin with.
      assist: method whose policy may act until the operator takes over; it is given a
        demonstration of the run. Empty for none.

    Raises:
      UserError: if the configuration is wrong or the session can't go on.
    """
    run.require_capability("teleop", "teleoperation")
    world = run.suite.world
    families = list(world.families) if families is None else families
    choices.check("teleop.record", [record], RECORDED)
    choices.check("teleop.split", [split], fields.SPLITS)
    choices.check("teleop.families", families, world.families)
    choices.check("teleop.speed", [speed], messages.SPEEDS)
    choices.trained_methods(
        "teleop.assist",
        [assist] if assist else [],
        lambda method: not method.config.trials,
    )
    chosen = teleop_plan.chosen_tasks(run, split, families, tasks)
    demos = None
    if assist or record == TRIALS:
        path = run.datasets.require(fields.WTL_DEMOS)
        demos = reader.read(path, split, images=run.images)
        demos = demos.select(~demos[fields.INVALID])
    if record == TRIALS:
        requests = teleop_plan.trials(run, chosen, per_task, demos)
    else:
        requests = teleop_plan.demonstrations(run, chosen, per_task)
        if assist:
            requests = teleop_plan.with_policy(requests, demos)
    if not requests:
        raise UserError("there is nothing to record: no such task is in the suite")
    assignment = simulation.Assignment(
        world=world.name,
        requests=requests,
        staging=str(run.folder.teleop),
        spec=run.datasets.spec(fields.WTL_DEMOS, by_hand=True),
        camera=run.camera,
        size=run.suite.size,
        speed=float(speed),
        demonstrations=str(path) if record == TRIALS else None,
    )
    with _policy(run, assist, requests, demos) as policy:
        last = server.run(assignment, host, port, policy)
    done, wanted = last["progress"]["episodes"]
    stage = "collect_trials" if record == TRIALS else "collect_demos"
    print(
        f"{done} of {wanted} {record} are saved in {run.folder.teleop}; `wtl {stage}` "
        f"with {stage}.teleop = True takes them into the dataset"
    )


@contextlib.contextmanager
def _policy(
    run: Run,
    method: str,
    requests: Sequence[EpisodeRequest],
    demos: EpisodeStore | None,
) -> Iterator[Connection | None]:
    """Start the process of a policy that assists, if one is to."""
    if not method:
        yield None
        return
    run.require_policy(method)
    shown = sorted({name for request in requests for name in request.demo_ids})
    if not shown:
        raise UserError(
            "no demonstration of the run fits these scenes; teleop.assist needs two "
            "scenes of each task"
        )
    assisting = policy_process.AssistingPolicy(
        saved_model=run.saved_policy(method),
        config=config_for(method, run.suite),
        demos=demos.select(demos.rows(shown)),
        images=run.images,
    )
    ours, theirs = worker.CONTEXT.Pipe()
    process = worker.start(policy_process.serve, theirs, assisting, renders=False)
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.kill()
        process.join()
