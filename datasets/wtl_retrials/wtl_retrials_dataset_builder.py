"""TFDS builder of `wtl_retrials`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Retrials: what a policy does after a trial of its own that it was shown."""
