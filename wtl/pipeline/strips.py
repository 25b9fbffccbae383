"""Scenes that the report shows as episode strips, with camera videos."""

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.evaluation.camera_video import CameraVideo, Gaze
from wtl.evaluation.episode_strip import Recording, Strip
from wtl.pipeline.player import Player
from wtl.policies.methods import CONDITIONS, METHODS, Condition, uses_human_videos

_PER_FAMILY = 3
_FAILED = 2


def gather(player: Player) -> list[Strip]:
    """Return demonstration, trial and retrial of some scenes of every family.

    Args:
      player: has played. There are no strips unless a trial and its retrial are among
        its conditions.
    """
    if player.layout.drawing is None and not player.demos.images:
        return []
    # Human videos before robot demonstrations.
    shown = [
        (method.trial_source, method.name)
        for method in METHODS.values()
        if method.trial_source and method.config.demos and not method.retrial_source
    ]
    for names in sorted(shown, key=lambda names: not METHODS[names[1]].config.human):
        if set(names) <= set(player.played):
            return _gather(player, *(CONDITIONS[name] for name in names))
    return []


def _gather(player: Player, trial: Condition, retrial: Condition) -> list[Strip]:
    selected = _select(player, trial.name, retrial.name)
    store, rows = player.shown(trial)
    demos = store.select(rows[selected, 0])
    return [
        Strip(
            instruction=player.scenarios[i].task.instruction,
            family=player.scenarios[i].task.family,
            task_id=player.scenarios[i].task.task_id,
            layout=player.layout,
            demo=demo,
            trial=tried,
            retrial=retried,
        )
        for i, demo, tried, retried in zip(
            selected,
            # With the attention of the policy that has no other context.
            _recordings(player, trial, demos, by_human=uses_human_videos(trial)),
            _played(player, trial, selected),
            _played(player, retrial, selected),
            strict=True,
        )
    ]


def _select(player: Player, trial_name: str, retrial_name: str) -> list[int]:
    """Return the numbers of the scenarios to show."""
    trial = player.played[trial_name][fields.SUCCESS]
    retrial = player.played[retrial_name][fields.SUCCESS]
    # Failed trials first: they are what the retrial learns from.
    order = sorted(
        range(len(player.scenarios)), key=lambda i: (trial[i], not retrial[i])
    )
    by_family: dict[str, list[int]] = {}
    for i in order:
        by_family.setdefault(player.scenarios[i].task.family, []).append(i)
    selected = [i for numbers in by_family.values() for i in numbers[:_PER_FAMILY]]
    selected += [i for i in order if not retrial[i]][:_FAILED]
    return list(dict.fromkeys(selected))


def _played(
    player: Player, condition: Condition, selected: list[int]
) -> list[Recording]:
    store = player.recorded(condition, selected)
    targets = None
    if store.images and player.renderer:
        targets = player.selected_targets(condition, selected)
    return _recordings(player, condition, store, targets)


def _recordings(
    player: Player,
    condition: Condition,
    store: EpisodeStore,
    targets: np.ndarray | None = None,
    by_human: bool = False,
) -> list[Recording]:
    """Return the recordings of N episodes.

    Args:
      player: holds the policies.
      condition: whose policy attends to the images.
      store: the episodes.
      targets: [N] slots of the targets that the policy selected, if it did.
      by_human: whether they are videos of humans.
    """
    videos = [None] * len(store)
    if store.images:
        videos = _videos(player, condition, store, targets, by_human)
    demonstrated = store[fields.ROLE] == fields.ROLE_DEMO
    return [
        Recording(
            states=store.state[i],
            target=int(store[fields.HIDDEN_TARGET][i]),
            success=None if demonstrated[i] else bool(store[fields.SUCCESS][i]),
            video=videos[i],
            by_human=by_human,
        )
        for i in range(len(store))
    ]


def _videos(player, condition, store, targets, by_human: bool) -> list[CameraVideo]:
    if player.renderer is None:
        first = store.images[min(store.images)]
        return [CameraVideo(i[:n]) for i, n in zip(first, store.length, strict=True)]
    encoder = player.actor(condition).builder.encoder
    rows = encoder.layout.split(store.state)
    places = np.concatenate(
        [rows[name][..., :3] for name in encoder.layout.kinds], axis=2
    )
    entities = np.stack(
        [
            player.renderer.project(place, int(seed), by_human)
            for seed, place in zip(store[fields.SCENE_SEED], places, strict=True)
        ]
    )
    attention = encoder.look(store.state, store.images, own=not by_human)
    result = []
    for i, slot in enumerate(store[fields.HIDDEN_TARGET]):
        gaze = None
        if attention is not None:
            point, heat = attention
            gaze = Gaze(
                # Fixtures are localised too, but never selected.
                point[i, :, : entities.shape[2]],
                heat[i],
                None if targets is None else int(targets[i]),
            )
        result.append(CameraVideo(store.image[i], entities[i, :, slot], gaze))
    return result
