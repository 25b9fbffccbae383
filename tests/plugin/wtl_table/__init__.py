"""A user's package: a world and a method, which its entry points name."""
