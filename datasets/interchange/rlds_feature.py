"""Features of TFDS datasets: their paths, and whether they can be imported."""

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.format import images


def part_names(
    parts: Mapping[str, tfds.features.FeatureConnector],
) -> tuple[str, ...]:
    """Return names of the numbers of features that are joined, such as `move 0`."""
    names = []
    for key, feature in parts.items():
        name, size = key.removeprefix(f"{fields.ACTION}/"), math.prod(feature.shape)
        names += [f"{name} {i}" for i in range(size)] if size > 1 else [name]
    return tuple(names)


def is_readable(feature: tfds.features.FeatureConnector) -> bool:
    """Whether a feature is an array of numbers, or a text."""
    return isinstance(feature, tfds.features.Text) or is_numbers(feature)


def is_numbers(feature: tfds.features.FeatureConnector) -> bool:
    """Whether a feature is an array of numbers, of one shape unless it is an image."""
    info = feature.get_tensor_info()
    return (
        isinstance(info, tfds.features.TensorInfo)
        # Read step by step, TFDS gives these in a form of their own.
        and not isinstance(feature, tfds.features.Sequence)
        and np.dtype(info.np_dtype).kind in "fiub"
        and (None not in info.shape or isinstance(feature, tfds.features.Image))
    )


def is_packed(feature: tfds.features.FeatureConnector) -> bool:
    """Whether a feature is compressed, so that few bytes may be many."""
    is_zlib = getattr(feature, "_encoding", None) == tfds.features.Encoding.ZLIB
    return is_zlib or isinstance(feature, tfds.features.Image)


def require_small(feature: tfds.features.FeatureConnector, data: bytes) -> None:
    """Check the size of the bytes of a packed feature before they are unpacked.

    Raises:
      ValueError: if there are too many pixels, or more than its shape says.
    """
    if isinstance(feature, tfds.features.Image):
        images.require_small(data)
        return
    size = math.prod(feature.shape) * np.dtype(feature.np_dtype).itemsize
    try:
        found = zlib.decompressobj().decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"a tensor cannot be unpacked ({error})") from None
    if len(found) != size:
        raise ValueError(f"a tensor is not of shape {list(feature.shape)}")


def leaves(
    tree: Mapping[str, Any], before: str = ""
) -> dict[str, tfds.features.FeatureConnector]:
    """Return the features of nested ones by path, such as `observation/state`."""
    result = {}
    for key, feature in tree.items():
        if isinstance(feature, tfds.features.FeaturesDict):
            result |= leaves(feature, f"{before}{key}/")
        else:
            result[before + key] = feature
    return result


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree that has these leaves by path."""
    tree = {}
    for path, leaf in leaves.items():
        *parents, name = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = leaf
    return tree
