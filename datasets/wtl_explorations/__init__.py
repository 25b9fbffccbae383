"""Explorations of a world without demonstrations, as a TFDS dataset."""
