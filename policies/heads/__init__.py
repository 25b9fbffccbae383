"""Output layers of networks; those over actions have names."""

MIXTURE, MEAN = HEADS = ("mixture", "mean")
