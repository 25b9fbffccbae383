"""Attempt of an operator at a scene, and the episode that is saved of it.

The stored episode is not the attempt itself but its actions replayed: trimmed, then
held still up to its end, as in scripted demonstrations. Physics is a pure function of
scene and actions, so both are the same wherever nothing was trimmed.
"""

from collections.abc import Mapping

import numpy as np

from wtl.collection import recorder
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.interface import Teleop
from wtl.collection.teleop.rate_monitor import RateMonitor
from wtl.collection.worlds.world import Environment, Scene
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError


class RefusedError(UserError):
    """The operator's request can't be fulfilled now."""


class Attempt:
    """A scene that is acted in, control step by control step.

    Attributes:
      env: the environment.
      scene: scene config.
    """

    def __init__(self, env: Environment, scene: Scene):
        """Reset the environment to the scene of `scene`."""
        self.env = env
        self.scene = scene
        env.prepare(scene)
        self._timestep = env.reset()
        self._limits = env.action_spec()
        self._actions: list[np.ndarray] = []
        self._interventions: list[bool] = []

    def __len__(self) -> int:
        return len(self._actions)

    @property
    def observation(self) -> Mapping[str, np.ndarray]:
        """The last observation."""
        return self._timestep.observation

    @property
    def is_over(self) -> bool:
        """Whether the episode has ended, at the horizon or before."""
        return self._timestep.last()

    @property
    def actions(self) -> np.ndarray:
        """float32[T, A] actions so far."""
        return np.array(self._actions, np.float32)

    @property
    def interventions(self) -> np.ndarray:
        """bool[T], the steps at which the operator acted in place of a policy."""
        return np.array(self._interventions, bool)

    def step(self, action: np.ndarray, intervention: bool = False):
        """Make a control step; see `interventions`."""
        # As it will be stored, so that a replay is bit-identical.
        low, high = self._limits.minimum, self._limits.maximum
        action = np.clip(action, low, high).astype(np.float32)
        self._timestep = self.env.step(action)
        self._actions.append(action)
        self._interventions.append(intervention)


def make_episode(
    env: Environment,
    request: EpisodeRequest,
    attempt: Attempt,
    monitor: RateMonitor,
    teleop: Teleop,
    *,
    operator: str,
    speed: float,
    override: bool | None,
    policy_id: str,
) -> Episode:
    """Return the episode to store: the actions of an attempt, trimmed and replayed.

    Args:
      env: where to replay; it observes what is to be stored.
      request: the episode to record.
      attempt: the attempt.
      monitor: its control rate.
      teleop: of the world.
      operator: name of the operator.
      speed: of the simulated clock relative to the wall clock.
      override: success label given by the operator; None for none.
      policy_id: of the policy that acted too; empty for none.

    Raises:
      RefusedError: if the episode is of no use, with the reason.
    """
    kept = trim(attempt.actions, teleop)
    acted = kept.stop - kept.start
    if not acted:
        raise RefusedError("Nothing has moved yet, so there is nothing to keep.")
    actions = attempt.actions[kept]
    still = [teleop.hold(actions[-1])] * (env.horizon - acted)
    interventions = np.zeros(env.horizon, bool)
    interventions[:acted] = attempt.interventions[kept]
    notes = [
        f"rate {monitor.rate:.2f} Hz of {env.control_hz:g}",
        f"latency {1000 * monitor.latency:.0f} ms",
        f"speed {speed:g}",
        f"acted {acted} steps",
        f"idle steps trimmed: {kept.start} at the head, {len(attempt) - kept.stop} at "
        "the tail",
    ]
    if monitor.is_slow:
        notes.append("FLAG control rate below 95%")
    if override is not None:
        notes.append("FLAG success overruled by the operator")
    is_demo = request.role == fields.ROLE_DEMO
    episode = replay(
        env,
        request.scene,
        np.array([*actions, *still], np.float32),
        override,
        interventions,
        episode_id=request.episode_id,
        role=request.role,
        demonstrator=fields.TELEOP + operator,
        policy_id=policy_id,
        # An operator who demonstrates is shown nothing.
        parent_demo_ids=() if is_demo and not policy_id else request.demo_ids,
        parent_trial_ids=request.trial_ids,
        trial_index=request.trial_index,
        hidden_rule=request.rule,
        notes="; ".join(notes),
    )
    if is_demo:
        check_demonstration(episode, env, teleop)
    return episode


def trim(actions: np.ndarray, teleop: Teleop) -> slice:
    """Return the steps of [T, A] actions from the first move to the last."""
    busy = np.flatnonzero(teleop.moves(actions)) if len(actions) else ()
    return slice(int(busy[0]), int(busy[-1]) + 1) if len(busy) else slice(0, 0)


def replay(
    env: Environment,
    scene: Scene,
    actions: np.ndarray,
    success: bool | None = None,
    interventions: np.ndarray | None = None,
    **metadata,
) -> Episode:
    """Play float32[H, A] actions from the start of a scene to the end of the episode.

    The operator's label of `success` takes the place of the environment's own test;
    bool[H] interventions are stored if they are given.
    """
    env.prepare(scene)
    record = recorder.Recorder(env)
    timestep = env.reset()
    record.start(timestep)
    made = 0
    while not timestep.last():
        timestep = env.step(actions[made])
        record.add(actions[made], timestep)
        made += 1
    if interventions is not None:
        metadata["intervention"] = interventions[:made]
    return record.episode(success, **metadata)


def check_demonstration(episode: Episode, env: Environment, teleop: Teleop | None):
    """Refuse a demonstration that failed, or that does not tell its target.

    Args:
      episode: the episode.
      env: where it was played.
      teleop: of the world, if it has one.

    Raises:
      RefusedError: with the reason.
    """
    if not episode.metadata[fields.SUCCESS]:
        raise RefusedError(
            "The success test does not hold at the end of the episode: "
            "go on, redo (r), or override the success label (o)."
        )
    if teleop and not teleop.is_clear(env, episode):
        raise RefusedError(
            "Something else moved more than the target, so that a learner would infer "
            "another target from the demonstration: redo (r)."
        )
