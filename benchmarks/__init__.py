"""Speed and memory measured side by side: `make bench`."""

import wtl.policies  # noqa: F401  (selects Keras 2 before TF-Agents is imported)
