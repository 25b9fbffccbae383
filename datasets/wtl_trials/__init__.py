"""The trials of Watch, Try, Learn, as a TFDS dataset."""
