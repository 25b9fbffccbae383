"""What networks end in."""

from wtl.policies.heads.mean import Mean
from wtl.policies.heads.mixture_density import MixtureDensity

MIXTURE = "mixture"
# Over actions, by name; all predict what `mixture_density` takes.
HEADS = {MIXTURE: MixtureDensity, "mean": Mean}
