"""The `wtl` command, one module per group of verbs."""
