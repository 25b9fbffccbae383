"""Makes the episode of an attempt, if it is worth keeping."""

from wtl.collection.teleop import attempt
from wtl.collection.teleop.plan import Item
from wtl.collection.teleop.rate_monitor import Cadence
from wtl.collection.worlds.tabletop import environment, observation
from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.sampling import inferred_target


class RefusedError(UserError):
    """What the operator wants can't be done now."""


def make_episode(
    env: environment.Manipulation,
    item: Item,
    attempted: attempt.Attempt,
    cadence: Cadence,
    *,
    operator: str,
    speed: float,
    override: bool | None,
    policy_id: str,
) -> Episode:
    """Plays what was attempted once more, trimmed, as it is to be stored.

    Args:
      env: where to play; it observes what is to be stored.
      item: what was to be recorded.
      attempted: what was done.
      cadence: how well that kept time.
      operator: who did it.
      speed: of the simulated clock relative to that of the wall.
      override: what the operator says about its success; None for nothing.
      policy_id: of the policy that acted too; empty if none did.

    Raises:
      RefusedError: if it would not be worth keeping, with the reason.
    """
    trimmed = attempt.trim(attempted.actions)
    if trimmed is None:
        raise RefusedError("Nothing has moved yet, so there is nothing to keep.")
    is_demo = item.role == fields.ROLE_DEMO
    episode = attempt.play(
        env,
        item.setup,
        trimmed.actions,
        override,
        episode_id=item.episode_id,
        role=item.role,
        demonstrator=fields.TELEOP + operator,
        policy_id=policy_id,
        # A person who demonstrates is shown nothing.
        parent_demo_ids=() if is_demo and not policy_id else (item.shown,),
        parent_trial_ids=(item.trial,) if item.trial else (),
        trial_index=int(item.role == fields.ROLE_RETRIAL),
        hidden_rule=item.rule,
        intervention=trimmed.pad(attempted.interventions),
        notes=_notes(trimmed, cadence, speed, override),
    )
    if is_demo:
        _check_demonstration(episode, item)
    return episode


def _check_demonstration(episode: Episode, item: Item):
    if not episode.metadata[fields.SUCCESS]:
        raise RefusedError(
            "The success test does not hold when the gripper keeps still from here on: "
            "go on, redo (r), or overrule the lamp (o)."
        )
    layout = observation.Layout(item.setup.task.object_set.size)
    slot = int(
        inferred_target.acted_slots(episode.steps[fields.STATE][None], layout)[0]
    )
    if slot != episode.metadata[fields.HIDDEN_TARGET]:
        raise RefusedError(
            "Something else moved more than the target, so that a learner would take "
            "the demonstration for one of that: redo (r)."
        )


def _notes(
    trimmed: attempt.Trimmed, cadence: Cadence, speed: float, override: bool | None
) -> str:
    parts = [
        f"rate {cadence.rate:.2f} Hz of {worlds.CONTROL_HZ:g}",
        f"latency {1000 * cadence.latency:.0f} ms",
        f"speed {speed:g}",
        f"acted {trimmed.acted} steps",
        f"idle steps trimmed: {trimmed.head} at the head, {trimmed.tail} at the tail",
    ]
    if cadence.is_slow:
        parts.append("FLAG control rate below 95%")
    if override is not None:
        parts.append("FLAG success overruled by the operator")
    return "; ".join(parts)
