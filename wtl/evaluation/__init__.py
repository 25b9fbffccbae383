"""The evaluation protocol, its statistics and its report."""
