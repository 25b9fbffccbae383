"""The `wtl` command: one module per verb, each with its options as a table."""
