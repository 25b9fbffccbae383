"""Small valid episodes, for tests that need no simulator."""

from typing import Any

import numpy as np

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec

SPEC = EpisodeSpec(state_size=7, action_size=3, physics_size=4)


def fake_episode(
    index: int = 0,
    spec: EpisodeSpec = SPEC,
    *,
    transitions: int = 5,
    dataset: str = fields.WTL_DEMOS,
    success: bool = True,
    **metadata: Any,
) -> Episode:
    """Return a valid episode of random numbers, equal for equal arguments.

    Args:
      index: number of the episode; seeds its numbers.
      spec: spec of the episode; images are of random blocks.
      transitions: T; there are T+1 timesteps.
      dataset: name of the dataset that its id is for.
      success: whether it succeeded; the last transition is then rewarded.
      **metadata: metadata that differ from the defaults.

    Raises:
      EpisodeError: if the arguments do not fit the schema.
    """
    rng = np.random.default_rng(index)
    reward = np.zeros(transitions, np.float32)
    reward[-1] = success
    given = {
        fields.TASK_ID: f"set{index % 3:04d}-lift",
        fields.FAMILY: "lift",
        fields.OBJECT_SET: f"set{index % 3:04d}",
        fields.SPLIT: fields.SPLIT_TRAIN,
        fields.ROLE: fields.ROLE_DEMO,
        fields.SCENE_SEED: index,
        fields.DEMONSTRATOR: "scripted",
        fields.HIDDEN_TARGET: index % 3,
        **{
            name: tuple((rng.integers(1, 9, size) / 4).tolist())
            for name, size in spec.metadata_vectors.items()
        },
    } | metadata
    given.setdefault(
        fields.EPISODE_ID,
        episode_lib.episode_id(
            dataset, given[fields.TASK_ID], given[fields.ROLE], index, index
        ),
    )
    length, side = transitions + 1, spec.image_pixels
    state = rng.normal(size=(length, spec.state_size))
    action = rng.uniform(-1, 1, (transitions, spec.action_size))
    physics_state = rng.normal(size=(length, spec.physics_size))
    # Smooth, as photographs are, so that JPEG has something to do.
    blocks = rng.integers(0, 256, (length, -(-side // 8), -(-side // 8), 3), np.uint8)
    image = blocks.repeat(8, axis=1).repeat(8, axis=2)[:, :side, :side]
    episode = Episode.build(
        state=state if spec.state_size else None,
        action=action if spec.action_size else None,
        reward=reward if spec.action_size else None,
        physics_state=physics_state if spec.physics_size else None,
        image=image if side else None,
        wrist_image=image[:, ::-1] if spec.wrist_image else None,
        intervention=rng.random(transitions) < 0.5 if spec.interventions else None,
        success=success,
        **given,
    )
    episode_lib.validate(episode, spec)
    return episode
