"""Sessions of teleoperation with an operator at the keys and a clock of their own."""

import dataclasses

from demonstrating import request
from key_operator import press

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.interface import IDLE, Command
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.session import Phase, Session
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.storage.staging import StagingWriter, iterate_staged

SPEC = dataclasses.replace(episode_spec(3), interventions=True)
EAST = Command(axes=(0.4, 0.0, 0.0, 0.0))


def plan_items(
    families=("press", "grasp", "push"), demos: int = 2, role: str = fields.ROLE_DEMO
) -> list[EpisodeRequest]:
    """Some scenes of a task of each family."""
    suite = TaskDistribution(train_object_sets=5, train_tasks=5)
    chosen = {t.family: t for t in suite.tasks(fields.SPLIT_TRAIN)}
    return [
        dataclasses.replace(
            request(
                setup,
                episodes.episode_id("wtl_demos", chosen[name].task_id, role, i, i),
            ),
            role=role,
        )
        for name in families
        for i, setup in enumerate(suite.demonstration_scenes(chosen[name])[:demos])
    ]


class Driven:
    """A session with a clock of its own, and an operator at the keys."""

    def __init__(self, folder, items=None, done=(), spec=SPEC, world="tabletop"):
        self.world = registry.get(world)
        self.writer = StagingWriter(folder, spec)
        items = plan_items() if items is None else items
        known = self.writer.episode_ids
        self.session = self.new_session(Plan(items, done or known))
        self.now = 100.0

    def new_session(self, plan: Plan, **options) -> Session:
        """A session that writes to the same folder."""
        return Session(plan, self.writer, self.world, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.close()

    def staged(self) -> list[episodes.Episode]:
        """The episodes that are on disk."""
        return list(iterate_staged(self.writer.directory))

    def hold(self, command: Command, steps: int, every: float = 0.1) -> int:
        """Holds a command for so many ticks; returns how many steps were made."""
        made = 0
        for _ in range(steps):
            self.session.drive(command, self.now)
            made += self.session.tick(self.now)
            self.now += every
        return made

    def do(self, verb: str, value=None):
        """Does what can be done, with no key held."""
        self.session.drive(IDLE, self.now)
        self.session.do(verb, value)
        assert not self.session.refused, self.session.message

    def refuse(self, verb: str, why: str):
        """Wants what can't be done."""
        kept = self.writer.episode_ids
        self.session.do(verb)
        assert self.session.refused and why in self.session.message
        assert self.writer.episode_ids == kept

    def solve(self):
        """Presses keys until the horizon."""
        item = self.session.request
        while self.session.phase in (Phase.READY, Phase.ACTING):
            world = self.session.env.world
            pressed = press(item.scene.task.family, world, item.scene.target)
            assert self.hold(pressed.command, 1) == 1
