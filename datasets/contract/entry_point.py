"""Entry points by which installed packages name worlds and methods."""

import importlib.metadata


def origin(point: importlib.metadata.EntryPoint) -> str:
    """Return package, version and place of an entry point, for people."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else "a package"
    return f"{package}, {point.value}"
