"""Seeds derived from names, so that no draw depends on the order of other draws."""

import hashlib

import numpy as np


def derive_seed(*parts: str | int) -> int:
    """Return a seed in [0, 2**63) that is a pure function of `parts`.

    Args:
      *parts: purpose of the draw, for instance (run seed, task id, episode index).
    """
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*parts: str | int) -> np.random.Generator:
    """Return a NumPy generator seeded by `derive_seed(*parts)`."""
    return np.random.Generator(np.random.PCG64(derive_seed(*parts)))
