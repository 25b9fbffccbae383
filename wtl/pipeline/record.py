"""Durable recording of the user's own controller, with the flow of teleoperation."""

import contextlib
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Protocol

from wtl.api.recording import Recording
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.attempt import RefusedError
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.session import Phase
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.collection.worlds.world import Task, World
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.pipeline.controller import Controller
from wtl.pipeline.record_session import Session

_SHOWN_EVERY = 0.1  # seconds


class Operator(Protocol):
    """Person at a terminal."""

    def read(self, seconds: float | None) -> str | None:
        """Return the next key; None if there is none within so many seconds."""

    def show(self, status: str):
        """Show a line of status in place of the last one."""

    def say(self, text: str):
        """Print a line."""


def tasks(
    world: World, split: str, seed: int, first: int, count: int
) -> Sequence[Task]:
    """Return tasks of a split, from the number of the first one.

    Raises:
      UserError: if there are not as many.
    """
    found = world.tasks(split, seed)
    for number in (first, first + count - 1):
        if not 0 <= number < len(found):
            raise UserError(
                f"{split} of world {world.name!r} has {len(found)} tasks, from 0; "
                f"there is no task {number}"
            )
    return found[first : first + count]


def requests(
    world: World, dataset: str, tasks: Sequence[Task], count: int, seed: int
) -> list[EpisodeRequest]:
    """Return requests of demonstrations, of the tasks in turn, scene after scene."""
    each = -(-count // len(tasks))
    distribution = TaskDistribution(domain=world.name, seed=seed)
    scenes = [distribution.demonstration_scenes(task, each) for task in tasks]
    result = []
    for i in range(count):
        number, of = divmod(i, len(tasks))
        scene, role = scenes[of][number], fields.ROLE_DEMO
        name = episodes.episode_id(
            dataset, scene.task.task_id, role, number, scene.scene_seed
        )
        result.append(EpisodeRequest(scene, name, role))
    return result


def record(
    world: World,
    controller: Controller,
    folder: str | os.PathLike,
    tasks: Sequence[Task],
    count: int,
    seed: int,
    fast: bool,
    operator: Operator | None,
) -> tuple[pathlib.Path | None, int]:
    """Record demonstrations until all are kept or the operator quits; publish them.

    Args:
      world: of the tasks.
      controller: acts.
      folder: of the dataset.
      tasks: the tasks, taken in turn.
      count: episodes of all tasks, those included that the dataset has already.
      seed: of the scenes.
      fast: whether control steps don't wait for the control period.
      operator: judges each attempt; without one each scene is attempted once, and kept
        if it succeeds.

    Returns:
      The folder of the version, if any episode is new, and the number of episodes that
      are missing.

    Raises:
      UserError: if the controller fails; kept episodes are staged, and the next call
        resumes.
    """
    wanted = requests(world, pathlib.Path(folder).name, tasks, count, seed)
    known = {
        fields.DEMONSTRATOR: controller.name,
        fields.POLICY_ID: controller.policy_id,
    }
    spec = TaskDistribution(domain=world.name).episode_spec()
    with (
        contextlib.closing(world.open(wanted[0].scene)) as env,
        contextlib.closing(Recording(env, folder, known, spec)) as recording,
    ):
        plan = Plan(wanted, recording.writer.episode_ids | recording.published_ids)
        session = Session(recording, world, plan, controller, fast)
        try:
            if operator:
                _operate(session, operator)
            else:
                _attempt_all(session, plan)
        except UserError as error:
            staged = len(recording.writer.episode_ids)
            raise UserError(
                f"{error}; kept episodes ({staged}) are safe: rerun the command to "
                "resume"
            ) from error
        done, wanted = plan.progress()["episodes"]
        return recording.publish(), wanted - done


def _operate(session: Session, operator: Operator):
    """Let an operator judge the attempts until they quit."""
    shown, task = 0.0, ""
    while not session.ended:
        if session.task != task:
            task = session.task
            operator.say(task)
        wait = session.wait
        if wait is None or time.monotonic() - shown > _SHOWN_EVERY:
            operator.show(session.status())
            shown = time.monotonic()
        if key := operator.read(wait):
            if said := session.press(key):
                operator.say(said)
        elif wait is not None:
            session.tick()


def _attempt_all(session: Session, plan: Plan):
    """Attempt each episode that is missing once, and keep those that succeed."""
    done, wanted = plan.progress()["episodes"]
    with progress(total=wanted, initial=done, desc="record", unit="episode") as bar:
        for _ in range(wanted - done):
            session.begin()
            while session.phase is Phase.ACTING:
                time.sleep(session.wait)
                session.tick()
            try:
                session.keep()
                bar.update()
            except RefusedError:
                session.discard()
