"""The scenes that the report shows, with what the policies saw in them."""

import numpy as np

from datasets import fields
from datasets.store import EpisodeStore
from wtl.envs import appearance
from wtl.evaluation import protocol
from wtl.evaluation.footage import Footage, Gaze
from wtl.evaluation.strip import Recording, Strip
from wtl.pipeline.player import Player

_TRIAL, _RETRIAL = "mil", "wtl"  # arms
_PER_FAMILY = 3
_FAILED = 2


def gather(player: Player) -> list[Strip]:
    """Demonstration, trial and retrial of some scenes of every family.

    Args:
      player: has played; there is nothing to show unless trial and retrial are among
        its arms.
    """
    if not {_TRIAL, _RETRIAL} <= set(player.played):
        return []
    which = _picked(player)
    trial, retrial = protocol.arm(_TRIAL), protocol.arm(_RETRIAL)
    demos = player.demos.select(player.demo_rows[which, 0])
    return [
        Strip(
            family=player.pairs[i].task.family,
            rule=str(player.pairs[i].task.rule),
            task_id=player.pairs[i].task.task_id,
            size=player.pairs[i].task.object_set.size,
            demo=shown,
            trial=tried,
            retrial=retried,
        )
        for i, shown, tried, retried in zip(
            which,
            # Seen by the policy that has nothing else to go by.
            _recordings(player, trial, demos),
            _played(player, trial, which),
            _played(player, retrial, which),
            strict=True,
        )
    ]


def _picked(player: Player) -> list[int]:
    """Numbers of the pairs to be shown."""
    trial = player.played[_TRIAL][fields.SUCCESS]
    retrial = player.played[_RETRIAL][fields.SUCCESS]
    # Failed trials first: they are what the retrial learns from.
    order = sorted(range(len(player.pairs)), key=lambda i: (trial[i], not retrial[i]))
    chosen: dict[str, list[int]] = {}
    for i in order:
        numbers = chosen.setdefault(player.pairs[i].task.family, [])
        if len(numbers) < _PER_FAMILY:
            numbers.append(i)
    failed = [i for i in order if not retrial[i]][:_FAILED]
    picked = [i for numbers in chosen.values() for i in numbers] + failed
    return list(dict.fromkeys(picked))


def _played(player: Player, arm: protocol.Arm, which: list[int]) -> list[Recording]:
    store = player.recorded(arm, which)
    committed = None if store.image is None else player.committed(arm, which)
    return _recordings(player, arm, store, committed)


def _recordings(
    player: Player,
    arm: protocol.Arm,
    store: EpisodeStore,
    committed: np.ndarray | None = None,
) -> list[Recording]:
    """What is known of episodes.

    Args:
      player: knows how the arm's policy sees.
      arm: whose policy looks at the episodes.
      store: N episodes.
      committed: [N] slots of the targets that it chose, if it did.
    """
    footage = [None] * len(store)
    if store.image is not None:
        footage = _footage(player, arm, store, committed)
    demonstrated = store[fields.ROLE] == fields.ROLE_DEMO
    return [
        Recording(
            states=store.state[i],
            target=int(store[fields.HIDDEN_TARGET][i]),
            success=None if demonstrated[i] else bool(store[fields.SUCCESS][i]),
            footage=footage[i],
        )
        for i in range(len(store))
    ]


def _footage(player, arm, store, committed) -> list[Footage]:
    eyes = player.eyes(arm)
    rows = eyes.layout.split(store.state)
    things = [rows[name][..., :3] for name in ("objects", "buttons")]
    things = appearance.ROBOT_CAMERA.project(np.concatenate(things, axis=2))
    looked = eyes.look(store.state, store.image)
    result = []
    for i, slot in enumerate(store[fields.HIDDEN_TARGET]):
        gaze = None
        if looked is not None:
            point, heat = looked
            gaze = Gaze(
                # Anchor and goal band are looked for too, but never chosen.
                point[i, :, : things.shape[2]],
                heat[i],
                None if committed is None else int(committed[i]),
            )
        result.append(Footage(store.image[i], things[i, :, slot], gaze))
    return result
