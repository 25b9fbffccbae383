"""Metadata of an episode: fields, their types and defaults."""

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract import fields

_ID_SHAPE = re.compile(
    r"[a-z0-9_]+-(?P<role>demo|trial|retrial|eval)"
    r"-(?P<task>[A-Za-z0-9_.]+)-\d{5,}-[0-9a-f]{16}"
)
_NOT_IN_SLUG = re.compile(r"[^A-Za-z0-9_.]+")


class Kind(enum.Enum):
    """Type of a metadata value."""

    TEXT = "text"
    TEXTS = "texts"  # A sequence of texts.
    BOOL = "bool"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOATS = "floats"  # A vector of the size in the spec; absent if that is 0.


# Types of the numbers of those kinds that are numbers or vectors.
NUMPY_TYPES = {
    Kind.BOOL: np.bool_,
    Kind.INT32: np.int32,
    Kind.INT64: np.int64,
    Kind.FLOAT32: np.float32,
    Kind.FLOATS: np.float32,
}

_ITEMS = {Kind.TEXTS: Kind.TEXT, Kind.FLOATS: Kind.FLOAT32}
REQUIRED = object()


@dataclasses.dataclass(frozen=True)
class MetadataField:
    """One metadata field.

    Attributes:
      kind: type of its value.
      doc: meaning and unit.
      default: value where a producer gives none, or `REQUIRED`.
    """

    kind: Kind
    doc: str
    default: Any = REQUIRED


METADATA: Mapping[str, MetadataField] = {
    fields.EPISODE_ID: MetadataField(
        Kind.TEXT, "Pure function of dataset, task, role, index and seed."
    ),
    fields.TASK_ID: MetadataField(
        Kind.TEXT, "Names the object set, the family and the hidden dynamics."
    ),
    fields.FAMILY: MetadataField(Kind.TEXT, "Task family."),
    fields.OBJECT_SET: MetadataField(Kind.TEXT, "Name of the set of objects."),
    fields.SPLIT: MetadataField(
        Kind.TEXT, "train, val or test; object sets are disjoint between splits."
    ),
    fields.ROLE: MetadataField(Kind.TEXT, "demo, trial, retrial or eval."),
    fields.SCENE_SEED: MetadataField(Kind.INT64, "Seed of the initial scene."),
    fields.SUCCESS: MetadataField(
        Kind.BOOL, "Whether the task was solved, for the rule it was run under."
    ),
    fields.DEMONSTRATOR: MetadataField(
        Kind.TEXT, "Actor of a demonstration: scripted, teleop:<operator>, …", ""
    ),
    fields.POLICY_ID: MetadataField(
        Kind.TEXT, "Hash of the saved policy that acted; empty if none did.", ""
    ),
    fields.PARENT_DEMO_IDS: MetadataField(
        Kind.TEXTS, "Ids of the demonstrations given to the policy.", ()
    ),
    fields.PARENT_TRIAL_IDS: MetadataField(
        Kind.TEXTS, "Ids of the trials given to the policy.", ()
    ),
    fields.TRIAL_INDEX: MetadataField(
        Kind.INT32, "Number of earlier attempts at the same task.", 0
    ),
    fields.CONTROL_HZ: MetadataField(Kind.FLOAT32, "Control rate in Hz.", 10.0),
    fields.INVALID: MetadataField(
        Kind.BOOL, "Whether a reviewer excluded the episode from use.", False
    ),
    fields.NOTES: MetadataField(Kind.TEXT, "Free text.", ""),
    fields.INSTRUCTION: MetadataField(
        Kind.TEXT, "Language instruction of the task; empty if there is none.", ""
    ),
    fields.ENV_VERSION: MetadataField(Kind.TEXT, "Version of the simulated world.", ""),
    fields.MUJOCO_VERSION: MetadataField(Kind.TEXT, "Version of MuJoCo.", ""),
    fields.HIDDEN_TARGET: MetadataField(
        Kind.INT32, "Observation slot of the target entity; -1 if unknown.", -1
    ),
    fields.HIDDEN_ACHIEVED: MetadataField(
        Kind.INT32,
        "Observation slot of the entity for which the success test held at the "
        "end; -1 if for none.",
        -1,
    ),
    fields.HIDDEN_FRICTION: MetadataField(
        Kind.FLOAT32, "Friction between objects and table; -1 if unknown.", -1.0
    ),
    fields.HIDDEN_RULE: MetadataField(
        Kind.TEXT, "Rule of the task; empty if the training example draws it.", ""
    ),
    fields.HIDDEN_GAINS: MetadataField(
        Kind.FLOATS,
        "Actuator gains of the task: motion per commanded action, by dimension. "
        "Demonstrations are recorded with nominal actuators.",
        (),
    ),
    fields.HIDDEN_PUCK: MetadataField(
        Kind.FLOATS,
        "Dynamics of the task's objects: friction along x and y, torsional and rolling "
        "friction (m), mass (kg).",
        (),
    ),
}


# Fields of some datasets only.
OPTIONAL = (fields.INSTRUCTION, fields.HIDDEN_GAINS, fields.HIDDEN_PUCK)


def present(optional: Container[str]) -> list[str]:
    """Return the names of the fields of episodes that have these optional ones."""
    return [name for name in METADATA if name not in OPTIONAL or name in optional]


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the default of every field that it leaves out.

    Args:
      given: values by field name; every field without a default must be there.

    Raises:
      ValueError: if a required field is missing or a name is unknown.
    """
    unknown = sorted(set(given) - set(METADATA))
    if unknown:
        raise ValueError(f"unknown metadata field {unknown[0]!r}")
    result = {}
    for name in present(given):
        field = METADATA[name]
        value = given.get(name, field.default)
        if value is REQUIRED:
            raise ValueError(f"metadata field {name!r} is missing")
        result[name] = tuple(value) if field.kind in _ITEMS else value
    return result


def fault(
    metadata: Mapping[str, Any], optional: Mapping[str, int | None]
) -> str | None:
    """Return the fault of metadata, a clause, or None.

    Args:
      metadata: values by field name.
      optional: names of the optional fields that it has, with the sizes of vectors.
    """
    return next(_faults(metadata, optional), None)


def _faults(
    metadata: Mapping[str, Any], optional: Mapping[str, int | None]
) -> Iterator[str | None]:
    names = present(optional)
    for name in sorted(metadata.keys() - set(names)):
        yield f"unknown metadata field {name!r}"
    for name in names:
        if name not in metadata:
            yield f"metadata field {name!r} is missing"
            return
        value = metadata[name]
        if problem := value_fault(name, value):
            yield problem
        elif (size := optional.get(name)) and len(value) != size:
            yield (
                f"metadata field {name!r} has {len(value)} numbers instead of {size}"
            )
    if not metadata[fields.CONTROL_HZ] > 0:
        yield f"control_hz {metadata[fields.CONTROL_HZ]} is not positive"
    yield id_fault(metadata)


def value_fault(name: str, value: Any) -> str | None:
    """Return the fault of a value of a metadata field, a clause, or None."""
    if name not in METADATA:
        return f"unknown metadata field {name!r}"
    kind = METADATA[name].kind
    if not _fits(value, kind):
        return f"metadata field {name!r} must be {kind.value}, not {value!r}"
    known = {fields.ROLE: fields.ROLES, fields.SPLIT: fields.SPLITS}.get(name)
    if known and value not in known:
        return f"{name} {value!r} is none of {', '.join(known)}"
    return None


def episode_id(dataset: str, task_id: str, role: str, index: int, seed: int) -> str:
    """Return the id of an episode, a pure function of its place in its dataset.

    A retried or resumed worker therefore gives the same episode the same name.

    Args:
      dataset: name of the dataset, e.g. `wtl_demos`.
      task_id: the episode's task.
      role: one of `fields.ROLES`.
      index: number of the episode within (dataset, task, role).
      seed: seed the episode was made with.

    Returns:
      A name that is safe as a file name and sorts by dataset, role and task.
    """
    key = json.dumps([dataset, task_id, role, int(index), int(seed)])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{dataset}-{role}-{_slug(task_id)}-{int(index):05d}-{digest}"


def id_fault(metadata: Mapping[str, Any]) -> str | None:
    """Return why the episode id contradicts the other metadata, or None."""
    name = metadata[fields.EPISODE_ID]
    match = _ID_SHAPE.fullmatch(name)
    if match is None:
        return f"episode id {name!r} is not of the form that episode_id() gives"
    if match["role"] != metadata[fields.ROLE]:
        return f"episode id {name!r} is not of role {metadata[fields.ROLE]!r}"
    if match["task"] != _slug(metadata[fields.TASK_ID]):
        return f"episode id {name!r} is not of task {metadata[fields.TASK_ID]!r}"
    return None


def _slug(task_id: str) -> str:
    return _NOT_IN_SLUG.sub("_", task_id) or "_"


def _fits(value: Any, kind: Kind) -> bool:
    if kind in _ITEMS:
        is_sequence = isinstance(value, (tuple, list))
        return is_sequence and all(_fits(item, _ITEMS[kind]) for item in value)
    if kind is Kind.TEXT:
        return isinstance(value, str) and _is_unicode(value)
    is_flag = isinstance(value, (bool, np.bool_))
    if kind is Kind.BOOL or is_flag:
        return is_flag and kind is Kind.BOOL
    is_integer = isinstance(value, (int, np.integer))
    if kind is Kind.FLOAT32:
        is_number = is_integer or isinstance(value, (float, np.floating))
        return is_number and bool(np.isfinite(np.float32(value)))
    bounds = np.iinfo(NUMPY_TYPES[kind])
    return is_integer and bounds.min <= int(value) <= bounds.max


def _is_unicode(text: str) -> bool:
    # Lone surrogates can be held in a str but not be stored as UTF-8.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
