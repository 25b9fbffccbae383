"""The human videos of Watch, Try, Learn, as a TFDS dataset."""
