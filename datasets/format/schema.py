"""TFDS features of an episode (RLDS form), derived from the field tables."""

import dataclasses
import os
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format

from wtl.datasets.contract import fields, json_file
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.metadata import METADATA, NUMPY_TYPES, Kind, present
from wtl.datasets.contract.observation import FLOAT, IMAGE, Observation
from wtl.datasets.format import images, statistics

_STEP_DOCS = {
    fields.STATE: "Observed state, in the layout of the world; it omits the task.",
    fields.IMAGE: "RGB image of the robot's fixed camera.",
    fields.WRIST_IMAGE: "RGB image of the camera on the robot's wrist.",
    fields.ACTION: (
        "Action in [-1, 1] taken at this observation: fractions of the limits of each "
        "axis. Zeros at the last step."
    ),
    fields.REWARD: "Reward that followed the action; 0 at the last step.",
    fields.DISCOUNT: "Discount that followed the action; 0 where the task ended.",
    fields.IS_FIRST: "Whether this is the first step of the episode.",
    fields.IS_LAST: "Whether this is the last step; its action has no meaning.",
    fields.IS_TERMINAL: "Whether the state is terminal, not cut off by the horizon.",
    fields.IS_INTERVENTION: (
        "Whether a person took this action in place of the acting policy; false "
        "where no policy acted."
    ),
    fields.PHYSICS_STATE: (
        "MuJoCo's full integration state before the action, exact (stored as bytes), "
        "to render the episode again from any camera."
    ),
    fields.TIMESTAMP: "Seconds since the start of the episode.",
}
_NATIVE_ACTION = (
    "Action taken at this observation, in the world's units; statistics.json has the "
    "limits of each dimension. Zeros at the last step."
)
# Docs that differ for videos, whose actions are unknown.
_VIDEO_STEP_DOCS = _STEP_DOCS | {
    fields.STATE: (
        "Privileged state of the filmed simulation, to train perception, in the "
        "layout of the world; it omits the task."
    ),
    fields.IMAGE: "RGB image of the camera that films the person.",
    fields.IS_LAST: "Whether this is the last step.",
    fields.PHYSICS_STATE: (
        "MuJoCo's full integration state, exact (stored as bytes), to render the "
        "episode again from any camera."
    ),
}


class DatasetMismatchError(ValueError):
    """A dataset has other features than the ones expected."""


def features(spec: EpisodeSpec) -> tfds.features.FeaturesDict:
    """Return the features of an episode: nested `steps`, metadata, nested `hidden`."""
    step, tree, hidden = {fields.OBSERVATION: {}}, {}, {}
    docs = _STEP_DOCS if spec.action_size else _VIDEO_STEP_DOCS
    for name, (shape, dtype) in spec.step_arrays().items():
        within, leaf = _place(step, name)
        doc = docs.get(name, f"Observation {name}.")
        if name == fields.ACTION and spec.action_low:
            doc = _NATIVE_ACTION
        if dtype == np.uint8:
            within[leaf] = tfds.features.Image(
                shape=shape, encoding_format=spec.image_encoding, doc=doc
            )
        else:
            within[leaf] = _array(shape, dtype.type, doc)
    vectors = spec.optional_metadata
    for name in present(vectors):
        kind, doc = METADATA[name].kind, METADATA[name].doc
        parent, _, leaf = name.rpartition("/")
        within = hidden if parent else tree
        if kind is Kind.TEXT:
            within[leaf] = tfds.features.Text(doc=doc)
        elif kind is Kind.TEXTS:
            within[leaf] = tfds.features.Sequence(tfds.features.Text(), doc=doc)
        else:
            shape = (vectors[name],) if vectors.get(name) else ()
            within[leaf] = _array(shape, NUMPY_TYPES[kind], doc)
    tree[fields.STEPS] = tfds.features.Dataset(step)
    tree[fields.HIDDEN] = tfds.features.FeaturesDict(hidden)
    return tfds.features.FeaturesDict(tree)


def example(episode: Episode) -> dict:
    """Return an episode in the nested form of `features(spec).encode_example`."""
    steps = {fields.OBSERVATION: {}}
    for name, array in episode.steps.items():
        within, leaf = _place(steps, name)
        within[leaf] = array
    result = {fields.STEPS: steps, fields.HIDDEN: {}}
    for name, value in episode.metadata.items():
        parent, _, leaf = name.rpartition("/")
        within = result[fields.HIDDEN] if parent else result
        within[leaf] = list(value) if isinstance(value, tuple) else value
    return result


def stored_spec(dataset_dir: str | os.PathLike) -> EpisodeSpec:
    """Read the sizes of a published dataset's vectors from its features.json.

    Raises:
      DatasetMismatchError: if these are not the features of WTL episodes.
    """
    path = os.path.join(dataset_dir, fields.FEATURES_FILE)
    try:
        tree = json_file.read(path)
        episode = _children(tree)
        step = _children(episode[fields.STEPS]["sequence"]["feature"])
        observed = dict(_leaves(step[fields.OBSERVATION]))
        vectors = {
            f"{fields.HIDDEN}/{name}": node
            for name, node in _children(episode[fields.HIDDEN]).items()
        }
        stated = statistics.stored(dataset_dir)
        spec = EpisodeSpec(
            observations=tuple(
                _observation(name, node, statistics.is_set(stated, name))
                for name, node in observed.items()
            ),
            action_size=_vector_size(step.get(fields.ACTION)),
            physics_size=_vector_size(step.get(fields.PHYSICS_STATE)),
            image_encoding=_encoding(observed.values()),
            interventions=fields.IS_INTERVENTION in step,
            gains_size=_vector_size(vectors.get(fields.HIDDEN_GAINS)),
            dynamics_size=_vector_size(vectors.get(fields.HIDDEN_PUCK)),
            **statistics.actions(stated),
            instruction=fields.INSTRUCTION in episode,
        )
        # The sizes came from `tree`, so whatever else differs is another schema.
        name = difference(json_format.MessageToDict(features(spec).to_proto()), tree)
    except (
        *(OSError, ValueError, OverflowError),
        *(KeyError, TypeError, AttributeError),
    ) as error:
        raise DatasetMismatchError(
            f"{path}: not the features of WTL episodes "
            f"({type(error).__name__}: {error})"
        ) from None
    if name is not None:
        raise DatasetMismatchError(
            f"{path}: feature {name!r} is not as this version of WTL writes it"
        )
    return spec


def require(
    expected: EpisodeSpec, found: EpisodeSpec, where: str | os.PathLike
) -> None:
    """Check that episodes have the expected sizes.

    A record of interventions and names of actions are optional and not compared.

    Raises:
      DatasetMismatchError: naming the first size that differs.
    """
    expected = dataclasses.replace(
        expected, interventions=found.interventions, action_names=found.action_names
    )
    if different := expected.difference(found):
        name, wanted, has = different
        raise DatasetMismatchError(
            f"{where} has {name} {has}, but {wanted} is expected; it was made with "
            "another environment: collect it again"
        )


def difference(expected: object, found: object, path: str = "") -> str | None:
    """Return the path of the first difference of two JSON trees, or None."""
    if isinstance(expected, dict) and isinstance(found, dict):
        # Documentation may improve without making older datasets unreadable.
        for key in sorted((set(expected) | set(found)) - {"description"}):
            if key not in expected or key not in found:
                return f"{path}/{key}".lstrip("/")
            place = difference(expected[key], found[key], f"{path}/{key}")
            if place is not None:
                return place
        return None
    return None if expected == found else path.lstrip("/")


def _array(shape: tuple[int, ...], dtype: type[np.generic], doc: str):
    if not shape:
        return tfds.features.Scalar(dtype=dtype, doc=doc)
    # Floats of a tf.train.Example have 32 bits, so doubles go as bytes.
    encodings = tfds.features.Encoding
    encoding = encodings.BYTES if dtype is np.float64 else encodings.NONE
    return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=encoding, doc=doc)


def _children(node: dict) -> dict:
    return node["featuresDict"]["features"]


def _leaves(node: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    """Yield nested features with their paths."""
    for name, child in _children(node).items():
        if "featuresDict" in child:
            yield from _leaves(child, f"{path}{name}/")
        else:
            yield path + name, child


def _observation(name: str, node: dict, is_set: bool) -> Observation:
    kind = "image" if "image" in node else "tensor"
    shape = tuple(map(int, node[kind]["shape"].get("dimensions", ())))
    return Observation(name, shape, IMAGE if kind == "image" else FLOAT, is_set)


def _encoding(nodes: Iterable[dict]) -> str:
    """Return how images are stored, PNG where there are none."""
    found = {node["image"]["encodingFormat"] for node in nodes if "image" in node}
    (encoding,) = found or {images.PNG}
    return encoding


def _place(steps: dict, name: str) -> tuple[dict, str]:
    """Return the dict, nested in that of steps, of a step field, and its key there."""
    *path, leaf = fields.step_key(name).split("/")[1:]
    for part in path:
        steps = steps.setdefault(part, {})
    return steps, leaf


def _vector_size(node: dict | None) -> int:
    if node is None:
        return 0
    (size,) = node["tensor"]["shape"]["dimensions"]
    if int(size) < 1:
        raise ValueError(f"a vector of {size} numbers")
    return int(size)
