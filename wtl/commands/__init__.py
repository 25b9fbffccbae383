"""The `wtl` command: one module per verb, with its options above its function."""
