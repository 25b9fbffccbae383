"""TFDS builder of `wtl_demos`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Demonstrations: episodes of role `demo`, all of them successful."""
