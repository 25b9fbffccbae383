"""The evaluation rollouts of Watch, Try, Learn, as a TFDS dataset."""
