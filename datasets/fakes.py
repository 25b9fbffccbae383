"""Small valid episodes, for tests that need no simulator."""

from typing import Any

import numpy as np

from datasets import episode as episode_lib
from datasets import fields
from datasets.episode import Episode, EpisodeSpec

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
    """Makes an episode of random numbers, the same for the same arguments.

    Args:
      index: number of the episode; seeds its numbers.
      spec: sizes of its vectors.
      transitions: T; there are T+1 timesteps.
      dataset: name of the dataset that its id is for.
      success: whether the last transition is rewarded.
      **metadata: metadata that shall differ from the defaults.

    Returns:
      An episode that fits the schema.

    Raises:
      EpisodeError: if what was asked for does not.
    """
    rng = np.random.default_rng(index)
    reward = np.zeros(transitions, np.float32)
    reward[-1] = success
    given = {
        fields.TASK_ID: f"set{index % 3:04d}-press",
        fields.FAMILY: "press",
        fields.OBJECT_SET: f"set{index % 3:04d}",
        fields.SPLIT: fields.SPLIT_TRAIN,
        fields.ROLE: fields.ROLE_DEMO,
        fields.SCENE_SEED: index,
        fields.DEMONSTRATOR: "scripted",
        fields.HIDDEN_TARGET: index % 3,
    } | metadata
    given.setdefault(
        fields.EPISODE_ID,
        episode_lib.episode_id(
            dataset, given[fields.TASK_ID], given[fields.ROLE], index, index
        ),
    )
    episode = Episode.build(
        state=rng.normal(size=(transitions + 1, spec.state_size)),
        action=rng.uniform(-1, 1, (transitions, spec.action_size)),
        reward=reward,
        physics_state=rng.normal(size=(transitions + 1, spec.physics_size)),
        success=success,
        **given,
    )
    episode_lib.validate(episode, spec)
    return episode
