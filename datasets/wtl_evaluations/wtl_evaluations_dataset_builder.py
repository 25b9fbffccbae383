"""TFDS builder of `wtl_evaluations`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Evaluation rollouts: every episode behind a row of `episodes.csv`."""
