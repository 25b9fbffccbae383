"""TFDS builder of `wtl_trials`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Trials: episodes of a policy's own attempts, linked to what it was shown."""
