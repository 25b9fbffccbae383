"""Policy server for robots and other simulators."""
