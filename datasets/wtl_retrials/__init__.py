"""The second round of trials of Watch, Try, Learn, as a TFDS dataset."""
