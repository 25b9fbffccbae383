"""TFDS builder of `wtl_evaluations`; the schema is shared in `datasets.schema`."""

from wtl import datasets_package

with datasets_package.restored():
    from datasets.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Evaluation rollouts: every episode behind a row of `episodes.csv`."""
