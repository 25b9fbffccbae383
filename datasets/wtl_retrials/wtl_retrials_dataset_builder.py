"""TFDS builder of `wtl_retrials`; the schema is shared in `datasets.schema`."""

from datasets.episodes_builder import EpisodesBuilder


class Builder(EpisodesBuilder):
    """Retrials: what a policy does after a trial of its own that it was shown."""
