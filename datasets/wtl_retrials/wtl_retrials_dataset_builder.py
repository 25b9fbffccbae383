"""TFDS builder of `wtl_retrials`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Retrials: episodes of a policy given an earlier trial of its own."""
