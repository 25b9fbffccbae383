"""TFDS builder of `wtl_demos`; the schema is shared in `datasets.schema`."""

from wtl import datasets_package

with datasets_package.restored():
    from datasets.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Demonstrations: episodes of role `demo`, all of them successful."""
