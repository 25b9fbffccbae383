"""Mapping of the arrays of other formats to episode fields."""

import dataclasses
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.metadata import METADATA, Kind
from wtl.datasets.contract.observation import Observation
from wtl.datasets.curation import metadata_filter

_STEP_FIELDS = (fields.ACTION, fields.REWARD, fields.PHYSICS_STATE, fields.TIMESTAMP)
# A note on episodes whose format keeps as many observations as actions.
REPEATED = (
    "the observation after the last action is unknown: the one before is repeated"
)
_GIVEN = frozenset(
    name
    for name, field in METADATA.items()
    if name not in (fields.EPISODE_ID, fields.SCENE_SEED)
    and field.kind not in (Kind.TEXTS, Kind.FLOATS)
)
_SLUG_LENGTH = 60  # of a task's name
# Splits by their names in other formats.
SPLITS = {
    "train": fields.SPLIT_TRAIN,
    "val": fields.SPLIT_VAL,
    "valid": fields.SPLIT_VAL,
    "validation": fields.SPLIT_VAL,
    "test": fields.SPLIT_TEST,
}
# Not made of several arrays.
_SINGLE = (fields.REWARD, fields.TIMESTAMP, *_GIVEN)


# Least and greatest action by dimension; empty for fractions in [-1, 1].
Limits = tuple[tuple[float, ...], tuple[float, ...]]


@dataclasses.dataclass(frozen=True)
class ForeignEpisode:
    """An episode of another format.

    Attributes:
      get: (key) -> array of all steps. Observations are of T+1 steps; actions and
        rewards of T, or of T+1 where the last is without meaning. Raises KeyError.
      name: its name in that format.
      index: its number.
      terminal: whether its last state is terminal.
      notes: remarks for users.
      metadata: metadata that the format states, by field.
    """

    get: Callable[[str], np.ndarray]
    name: str
    index: int
    terminal: bool = False
    notes: str = ""
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class FieldMapping:
    """Arrays by step field, and metadata that all episodes share.

    Attributes:
      arrays: keys by step field or name of an observation; several vectors are joined
        into one. Also keys by metadata field, of which the first value counts. Empty
        for those that the format suggests.
      metadata: values by metadata field; the family, for one.
      dataset: name of the dataset that is made, for ids.
    """

    arrays: Mapping[str, tuple[str, ...]]
    metadata: Mapping[str, Any]
    dataset: str

    @classmethod
    def parse(
        cls, maps: Sequence[str], sets: Sequence[str], dataset: str
    ) -> "FieldMapping":
        """Read `FIELD=KEY[,KEY...]` and `FIELD=VALUE` texts.

        Raises:
          UserError: if one is of another form or names no field.
        """
        arrays = {}
        for text in maps:
            name, sign, keys = text.partition("=")
            if not sign or not keys or not _is_field(name):
                raise UserError(
                    f"{text!r} is not of the form FIELD=KEY[,KEY...], where a field is "
                    "the name of an observation or one of "
                    + ", ".join((*_STEP_FIELDS, *sorted(_GIVEN)))
                )
            arrays[name] = tuple(keys.split(","))
            if len(arrays[name]) > 1 and name in _SINGLE:
                raise UserError(f"{text!r}: {name} is not made of several")
        if fields.REWARD in arrays and fields.ACTION not in arrays:
            raise UserError("map an action beside the reward")
        if arrays and not any(_is_observation(name) for name in arrays):
            raise UserError("map an observation, such as --map=state=KEY")
        metadata = {}
        for text in sets:
            one = metadata_filter.parse(text, lambda field, value: True)
            if one.negated or len(one.values) != 1 or one.field not in _GIVEN:
                raise UserError(f"{text!r} does not set a field that can be set")
            (metadata[one.field],) = one.values
        twice = sorted(set(metadata) & set(arrays))
        if twice:
            raise UserError(f"{twice[0]} is both set and mapped")
        return cls(arrays, metadata, dataset)

    def or_default(
        self, arrays: Callable[[], Mapping[str, tuple[str, ...]]]
    ) -> "FieldMapping":
        """Return this mapping, with the format's arrays if it has none."""
        return self if self.arrays else dataclasses.replace(self, arrays=arrays())

    def episode(self, foreign: ForeignEpisode) -> Episode:
        """Convert an episode.

        Success, unless it is stated, means that the last reward is positive; without
        rewards every demonstration succeeds, and its last reward is 1.

        Raises:
          ValueError: if arrays do not fit each other.
          KeyError: if a named array is missing.
        """
        steps, observations = (
            {
                name: _joined([foreign.get(key) for key in keys])
                for name, keys in self.arrays.items()
                if is_wanted(name)
            }
            for is_wanted in (_STEP_FIELDS.__contains__, _is_observation)
        )
        found = {
            name: _one_value(name, foreign.get(key))
            for name, (key, *_) in self.arrays.items()
            if name in _GIVEN
        }
        length = len(next(iter(observations.values())))
        for name in (fields.ACTION, fields.REWARD):
            if name in steps:
                if len(steps[name]) not in (length - 1, length):
                    raise ValueError(
                        f"{name} has {len(steps[name])} steps for {length} observations"
                    )
                steps[name] = steps[name][: length - 1]
        if fields.REWARD in steps:
            steps[fields.REWARD] = steps[fields.REWARD].reshape(length - 1)
        if fields.TIMESTAMP in steps:
            steps[fields.TIMESTAMP] = steps[fields.TIMESTAMP].reshape(length)
        reward = steps.get(fields.REWARD)
        given = {
            fields.ROLE: fields.ROLE_DEMO,
            fields.FAMILY: self.dataset,
            fields.SPLIT: fields.SPLIT_TRAIN,
            fields.SUCCESS: reward is None or bool(reward[-1] > 0),
            fields.NOTES: "; ".join(filter(None, [foreign.name, foreign.notes])),
            **foreign.metadata,
            **self.metadata,
            **found,
        }
        task = _slug(given.get(fields.INSTRUCTION, ""))
        objects = given.get(fields.OBJECT_SET, self.dataset)
        given.setdefault(fields.TASK_ID, task or f"{objects}-{given[fields.FAMILY]}")
        # An object set lies in one split.
        split = given[fields.SPLIT]
        suffix = "" if split == fields.SPLIT_TRAIN else f"-{split}"
        given.setdefault(fields.OBJECT_SET, self.dataset + suffix)
        seed = seeding.derive_seed("imported", foreign.name, foreign.index)
        task_id, role = given[fields.TASK_ID], given[fields.ROLE]
        name = episode_lib.episode_id(self.dataset, task_id, role, foreign.index, seed)
        given = {fields.EPISODE_ID: name, fields.SCENE_SEED: seed} | given
        if fields.ACTION in steps and reward is None:
            steps[fields.REWARD] = np.zeros(length - 1, np.float32)
            steps[fields.REWARD][-1] = given[fields.SUCCESS]
        return Episode.build(
            observations=observations, **steps, terminal=foreign.terminal, **given
        )


def defaults(
    observations: Mapping[str, str], others: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the arrays of a mapping that a format suggests.

    Args:
      observations: keys by name of an observation.
      others: keys by other field.

    Raises:
      UserError: if an observation cannot keep its name.
    """
    for name, key in observations.items():
        if not _is_observation(name):
            raise UserError(
                f"{key!r} cannot be an observation of its own name: map all that is "
                f"wanted, as in --map=NAME={key!r}"
            )
    return {name: (key,) for name, key in observations.items()} | {
        field: tuple(keys) for field, keys in others.items() if keys
    }


def spec_of(
    episode: Episode, limits: Limits | None, names: Sequence[str] = ()
) -> EpisodeSpec:
    """Return the spec of an episode, from the sizes of its arrays.

    Args:
      episode: the episode.
      limits: of its actions; None if they are in units of their own, without limits.
      names: of the dimensions of its actions; passed over if they are not distinct.

    Raises:
      UserError: if it has no spec.
    """

    def size(name: str) -> int:
        return episode.steps[name].shape[1] if name in episode.steps else 0

    actions = size(fields.ACTION)
    low, high = limits or ((-math.inf,) * actions, (math.inf,) * actions)
    try:
        return EpisodeSpec(
            tuple(
                Observation(name, array.shape[1:], array.dtype.name)
                for name, array in episode.steps.items()
                if name not in fields.STEP_FIELDS
            ),
            action_size=actions,
            physics_size=size(fields.PHYSICS_STATE),
            interventions=fields.IS_INTERVENTION in episode.steps,
            gains_size=len(episode.metadata.get(fields.HIDDEN_GAINS, ())),
            dynamics_size=len(episode.metadata.get(fields.HIDDEN_PUCK, ())),
            action_low=low,
            action_high=high,
            action_names=tuple(names) if len({*names}) == actions else (),
            instruction=fields.INSTRUCTION in episode.metadata,
        )
    except (ValueError, IndexError) as error:
        raise UserError(f"{episode.id}: {error}") from None


def _slug(text: str) -> str:
    """Return a short name of a text; other texts have other names."""
    slug = "_".join(re.findall("[a-z0-9]+", text.lower()))
    if text.isascii() and len(slug) <= _SLUG_LENGTH:
        return slug
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
    return f"{slug[:_SLUG_LENGTH]}_{digest}".strip("_")


def _is_field(name: str) -> bool:
    return name in _STEP_FIELDS or name in _GIVEN or _is_observation(name)


def _is_observation(name: str) -> bool:
    if name in _GIVEN or name in METADATA:
        return False
    try:
        Observation(name, ())
    except ValueError:
        return False
    return True


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Join arrays into one vector; a single one keeps its shape."""
    if len(arrays) == 1:
        (array,) = arrays
        if array.dtype == np.uint8 and (array.ndim != 4 or array.shape[-1] != 3):
            array = array.astype(np.float32)  # numbers, or depth, but no image
        return array if array.ndim > 1 else array[:, None]
    return np.concatenate([a.reshape(len(a), -1) for a in arrays], axis=1)


def _one_value(name: str, array: Any) -> Any:
    value = np.asarray(array).reshape(-1)[0]
    if METADATA[name].kind is Kind.TEXT:
        return value.decode() if isinstance(value, bytes) else str(value)
    if METADATA[name].kind is Kind.BOOL:
        return bool(value)
    return float(value) if METADATA[name].kind is Kind.FLOAT32 else int(value)
