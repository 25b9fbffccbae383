"""TFDS builder of `wtl_trials`."""

from wtl.datasets.format.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Trials: attempts of a policy, linked to the demonstrations given to it."""
