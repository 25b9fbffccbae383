"""Output layers of networks, and names of those over actions."""

MIXTURE, MEAN = HEADS = ("mixture", "mean")
