"""Sampler of training examples of tasks with entities, for tests."""

from wtl.collection.worlds.entities.relabel import EntityRelabeller
from wtl.datasets.sampling.sampler import Sampler


def sampler(
    demos,
    layout,
    *,
    identity_share,
    privileged_labels=False,
    trials=None,
    **settings,
) -> Sampler:
    """Return a sampler with an `EntityRelabeller`; see both for the arguments."""
    relabeller = EntityRelabeller(
        demos,
        layout,
        trials,
        identity_share=identity_share,
        privileged_labels=privileged_labels,
    )
    return Sampler(demos, relabeller, trials=trials, **settings)
