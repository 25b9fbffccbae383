"""Publishing to and fetching from other places."""
