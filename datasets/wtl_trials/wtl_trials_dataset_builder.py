"""TFDS builder of `wtl_trials`; the schema is shared in `datasets.schema`."""

from wtl import datasets_package

with datasets_package.restored():
    from datasets.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Trials: episodes of a policy's own attempts, linked to what it was shown."""
