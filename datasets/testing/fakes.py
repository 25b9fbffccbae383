"""Small valid episodes, for tests that need no simulator."""

from typing import Any

import numpy as np

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.observation import Observation, observed

SPEC = EpisodeSpec(observed(7), action_size=3, physics_size=4)


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
            for name, size in spec.optional_metadata.items()
            if size
        },
    } | metadata
    given.setdefault(
        fields.EPISODE_ID,
        episode_lib.episode_id(
            dataset, given[fields.TASK_ID], given[fields.ROLE], index, index
        ),
    )
    length = transitions + 1
    vectors = {o.name: rng.normal(size=(length, *o.shape)) for o in spec.vectors}
    action = rng.uniform(-1, 1, (transitions, spec.action_size))
    physics_state = rng.normal(size=(length, spec.physics_size))
    images = {o.name: _blocks(rng, length, o) for o in spec.cameras}
    episode = Episode.build(
        observations=vectors | images,
        action=action if spec.action_size else None,
        reward=reward if spec.action_size else None,
        physics_state=physics_state if spec.physics_size else None,
        intervention=rng.random(transitions) < 0.5 if spec.interventions else None,
        success=success,
        **given,
    )
    episode_lib.validate(episode, spec)
    return episode


def _blocks(rng: np.random.Generator, length: int, camera: Observation) -> np.ndarray:
    """Return [length, H, W, 3] images, smooth as photographs are, for JPEG's sake."""
    height, width, _ = camera.shape
    shape = (length, -(-height // 8), -(-width // 8), 3)
    blocks = rng.integers(0, 256, shape, np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
