"""TFDS builder of `wtl_explorations`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Explorations: episodes of random actions, then of a planner."""
