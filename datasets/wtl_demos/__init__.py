"""The demonstrations of Watch, Try, Learn, as a TFDS dataset."""
