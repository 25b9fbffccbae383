"""Claims about speed and memory, measured side by side: `make bench`."""

import wtl.policies  # noqa: F401  (asks for Keras 2 before TF-Agents is imported)
