"""What networks end in."""

from policies.heads.mean import Mean
from policies.heads.mixture_density import MixtureDensity

# Over actions, by name; all predict what `mixture_density` takes.
HEADS = {"mixture": MixtureDensity, "mean": Mean}
