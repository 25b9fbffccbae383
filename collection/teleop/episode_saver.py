"""Check of an attempt, and the episode that is saved of it."""

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop import attempt
from wtl.collection.teleop.interface import Teleop
from wtl.collection.teleop.rate_monitor import RateMonitor
from wtl.collection.worlds.world import Environment
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError


class RefusedError(UserError):
    """The operator's request can't be fulfilled now."""


def make_episode(
    env: Environment,
    request: EpisodeRequest,
    attempted: attempt.Attempt,
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
      attempted: the attempt.
      monitor: its control rate.
      teleop: of the world.
      operator: name of the operator.
      speed: of the simulated clock relative to the wall clock.
      override: success label given by the operator; None for none.
      policy_id: of the policy that acted too; empty for none.

    Raises:
      RefusedError: if the episode is of no use, with the reason.
    """
    trimmed = attempt.trim(attempted.actions, teleop, env.horizon)
    if trimmed is None:
        raise RefusedError("Nothing has moved yet, so there is nothing to keep.")
    is_demo = request.role == fields.ROLE_DEMO
    episode = attempt.replay(
        env,
        request.scene,
        trimmed.actions,
        override,
        episode_id=request.episode_id,
        role=request.role,
        demonstrator=fields.TELEOP + operator,
        policy_id=policy_id,
        # An operator who demonstrates is shown nothing.
        parent_demo_ids=() if is_demo and not policy_id else request.demo_ids,
        parent_trial_ids=request.trial_ids,
        trial_index=request.trial_index,
        hidden_rule=request.rule,
        intervention=trimmed.pad(attempted.interventions),
        notes=_notes(trimmed, monitor, env.control_hz, speed, override),
    )
    if is_demo:
        _check_demonstration(episode, env)
    return episode


def _check_demonstration(episode: Episode, env: Environment):
    if not episode.metadata[fields.SUCCESS]:
        raise RefusedError(
            "The success test does not hold when nothing moves from here on: "
            "go on, redo (r), or override the success label (o)."
        )
    states = episode.steps[fields.STATE][None]
    slot = int(env.layout.acted_slots(states)[0])
    if slot != episode.metadata[fields.HIDDEN_TARGET]:
        raise RefusedError(
            "Something else moved more than the target, so that a learner would infer "
            "another target from the demonstration: redo (r)."
        )


def _notes(
    trimmed: attempt.Trimmed,
    monitor: RateMonitor,
    control_hz: float,
    speed: float,
    override: bool | None,
) -> str:
    parts = [
        f"rate {monitor.rate:.2f} Hz of {control_hz:g}",
        f"latency {1000 * monitor.latency:.0f} ms",
        f"speed {speed:g}",
        f"acted {trimmed.acted} steps",
        f"idle steps trimmed: {trimmed.head} at the head, {trimmed.tail} at the tail",
    ]
    if monitor.is_slow:
        parts.append("FLAG control rate below 95%")
    if override is not None:
        parts.append("FLAG success overruled by the operator")
    return "; ".join(parts)
