"""Output layers of networks, and names of those over actions."""

MIXTURE, MEAN, TWO_STEP, FLOW = HEADS = ("mixture", "mean", "two_step", "flow")
DENSITIES = (MIXTURE, MEAN)  # heads that predict a density of actions
