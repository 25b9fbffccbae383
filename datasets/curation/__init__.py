"""New dataset versions made from the episodes of others."""
