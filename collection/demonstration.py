"""Plays one scripted demonstration."""

import dataclasses

import numpy as np

from wtl.collection import recorder
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import actuator_gains, environment
from wtl.collection.worlds.tabletop import experts
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.embodiment import Embodiment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import seeding

MAX_ATTEMPTS = 3  # noise is drawn anew after a failure


@dataclasses.dataclass(frozen=True)
class DemonstrationRequest:
    """A demonstration to be made.

    Attributes:
      setup: scene and target. The demonstrator knows its motors: of faulty ones it asks
        what makes them move as it wants.
      episode_id: id of the episode.
      seed: seed of the noise.
      noise: standard deviation of the noise on executed actions (labels stay clean);
        a hand moves as a `Human`, who brings noise of its own instead.
      rule: the rule of the task, as text; empty where a training example draws it.
      pixels: height and width of the images to record; 0 for none.
      wrist: whether the gripper's own camera records too.
    """

    setup: environment.Setup
    episode_id: str
    seed: int
    noise: float
    rule: str = ""
    pixels: int = 0
    wrist: bool = False


def demonstrate(
    request: DemonstrationRequest, max_attempts: int = MAX_ATTEMPTS
) -> tuple[episodes.Episode | None, int]:
    """Plays a demonstration until it succeeds.

    Args:
      request: what to demonstrate.
      max_attempts: how often to try.

    Returns:
      The successful episode, or None if no attempt succeeded, and how many attempts
      failed.
    """
    domain = registry.get(request.setup.task.domain)
    env = domain.open(request.setup, request.pixels, request.wrist)
    for attempt in range(max_attempts):
        who, demonstrator = _demonstrator(request, attempt)
        rng = seeding.generator(request.seed, "noise", attempt)
        setup = dataclasses.replace(request.setup, attempt=f"demo {attempt}")
        env.prepare(setup)
        record = recorder.Recorder(env)
        timestep = env.reset()
        record.start(timestep)
        while not timestep.last():
            command = demonstrator(env.world, request.setup.target)
            scale = request.noise * command.noise * np.array(domain.noise)
            if setup.task.puck:
                # As far in metres, whatever the robot's stride.
                scale[:3] *= worlds.TRANSLATION_STEP / setup.task.puck.stride
            executed = command.action + scale * rng.standard_normal(len(scale))
            timestep = env.step(actuator_gains.command(executed, request.setup.gains))
            record.add(
                actuator_gains.command(command.action, request.setup.gains), timestep
            )
        if timestep.reward > 0:
            episode = record.episode(
                episode_id=request.episode_id,
                role="demo",
                demonstrator=who,
                hidden_rule=request.rule,
            )
            return episode, attempt
    return None, max_attempts


def _demonstrator(
    request: DemonstrationRequest, attempt: int
) -> tuple[str, experts.Demonstrator]:
    """Who demonstrates, for the record, and how."""
    family = request.setup.task.family
    world = registry.get(request.setup.task.domain)
    if request.setup.embodiment is Embodiment.GRIPPER:
        return "scripted", world.experts[family]
    rng = seeding.generator(request.seed, "human", attempt)
    return "simulated_human", world.human(family, rng)
