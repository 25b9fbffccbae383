"""The scenes that the report shows, with what the policies saw in them."""

import numpy as np

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import appearance
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.evaluation import protocol
from wtl.evaluation.camera_video import Footage, Gaze
from wtl.evaluation.episode_strip import Recording, Strip
from wtl.pipeline.player import Player

# Arms: what the trial and the retrial of a strip are taken from, the first there are.
_SHOWN = (("mil_human", "wtl_human"), ("mil", "wtl"))
_PER_FAMILY = 3
_FAILED = 2


def gather(player: Player) -> list[Strip]:
    """Demonstration, trial and retrial of some scenes of every family.

    Args:
      player: has played; there is nothing to show unless a trial and its retrial are
        among its arms.
    """
    for names in _SHOWN:
        if set(names) <= set(player.played):
            return _gather(player, *(protocol.arm(name) for name in names))
    return []


def _gather(player: Player, trial: protocol.Arm, retrial: protocol.Arm) -> list[Strip]:
    which = _picked(player, trial.name, retrial.name)
    store, rows = player.shown(trial)
    demos = store.select(rows[which, 0])
    return [
        Strip(
            family=player.pairs[i].task.family,
            rule=str(player.pairs[i].task.rule),
            task_id=player.pairs[i].task.task_id,
            layout=player.layout,
            goal=player.pairs[i].task.goal,
            demo=shown,
            trial=tried,
            retrial=retried,
        )
        for i, shown, tried, retried in zip(
            which,
            # Seen by the policy that has nothing else to go by.
            _recordings(player, trial, demos, by_human=trial.human),
            _played(player, trial, which),
            _played(player, retrial, which),
            strict=True,
        )
    ]


def _picked(player: Player, trial_arm: str, retrial_arm: str) -> list[int]:
    """Numbers of the pairs to be shown."""
    trial = player.played[trial_arm][fields.SUCCESS]
    retrial = player.played[retrial_arm][fields.SUCCESS]
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
    by_human: bool = False,
) -> list[Recording]:
    """What is known of episodes.

    Args:
      player: knows how the arm's policy sees.
      arm: whose policy looks at the episodes.
      store: N episodes.
      committed: [N] slots of the targets that it chose, if it did.
      by_human: whether they are videos of humans.
    """
    footage = [None] * len(store)
    if store.image is not None:
        footage = _footage(player, arm, store, committed, by_human)
    demonstrated = store[fields.ROLE] == fields.ROLE_DEMO
    return [
        Recording(
            states=store.state[i],
            target=int(store[fields.HIDDEN_TARGET][i]),
            success=None if demonstrated[i] else bool(store[fields.SUCCESS][i]),
            footage=footage[i],
            by_human=by_human,
        )
        for i in range(len(store))
    ]


def _footage(player, arm, store, committed, by_human: bool) -> list[Footage]:
    eyes = player.actor(arm).builder.encoder
    rows = eyes.layout.split(store.state)
    things = [rows[name][..., :3] for name in ("objects", "buttons")]
    draw = appearance.DRAWS[Embodiment.HUMAN if by_human else Embodiment.ROBOT]
    things = np.stack(
        [
            draw(int(seed)).camera.project(places)
            for seed, places in zip(
                store[fields.SCENE_SEED], np.concatenate(things, axis=2), strict=True
            )
        ]
    )
    looked = eyes.look(store.state, store.image, own=not by_human)
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
