"""Collection of episodes: scripted experts, policy rollouts, worker processes."""

import wtl.policies  # noqa: F401  (asks for Keras 2 before TF-Agents is imported)
