"""Bytes of an episode: TFDS features, encoding, decoding, TFRecord files."""
