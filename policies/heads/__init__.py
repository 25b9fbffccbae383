"""What networks end in."""
