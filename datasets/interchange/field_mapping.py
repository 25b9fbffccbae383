"""Mapping of the arrays of other formats to episode fields."""

import collections
import dataclasses
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import episode as episode_lib
from wtl.datasets.contract import fields, numbers, seeding
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.metadata import METADATA, Kind
from wtl.datasets.contract.observation import Observation
from wtl.datasets.curation import metadata_filter
from wtl.datasets.interchange import foreign_episode, image_form
from wtl.datasets.interchange.foreign_episode import ForeignEpisode
from wtl.datasets.interchange.image_form import ImageForm

_STEP_FIELDS = (fields.ACTION, fields.REWARD, fields.PHYSICS_STATE, fields.TIMESTAMP)
_CONTRADICTION = "the last reward contradicted the success, and was set to it"
_GIVEN = frozenset(
    name
    for name, field in METADATA.items()
    if name not in (fields.EPISODE_ID, fields.SCENE_SEED)
    and field.kind not in (Kind.TEXTS, Kind.FLOATS)
)
_SLUG_LENGTH = 60  # of a task's name
_IMAGES = (fields.IMAGE, fields.WRIST_IMAGE)
# Not made of several arrays.
_SINGLE = (fields.REWARD, fields.TIMESTAMP, *_GIVEN)
_NAMED = 5  # of episodes that are left out
_AS_THEY_ARE = ImageForm()


# Least and greatest action by dimension; empty for fractions in [-1, 1].
Limits = tuple[tuple[float, ...], tuple[float, ...]]


@dataclasses.dataclass(frozen=True)
class FieldMapping:
    """Arrays by step field, and metadata that all episodes share.

    Attributes:
      arrays: keys by step field or name of an observation; several vectors are joined
        into one. Also keys by metadata field, of which the first value counts, or the
        last one of `success`. Empty for those that the format suggests.
      metadata: values by metadata field; the family, for one.
      dataset: name of the dataset that is made, for ids.
      images: form of the images.
      remarks: remarks on conversions, and the number of episodes of each.
      scaled: names of the images that the range of values was used for.
      derived: number of episodes by the success that their last reward says.
      short: names of episodes that were left out because they have no transition.
    """

    arrays: Mapping[str, tuple[str, ...]]
    metadata: Mapping[str, Any]
    dataset: str
    images: ImageForm = _AS_THEY_ARE
    remarks: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    scaled: set[str] = dataclasses.field(default_factory=set)
    derived: collections.Counter[bool] = dataclasses.field(
        default_factory=collections.Counter
    )
    short: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def parse(
        cls,
        maps: Sequence[str],
        sets: Sequence[str],
        dataset: str,
        images: ImageForm = _AS_THEY_ARE,
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
        return cls(arrays, metadata, dataset, images)

    def or_default(
        self, arrays: Callable[[], Mapping[str, tuple[str, ...]]]
    ) -> "FieldMapping":
        """Return this mapping, with the format's arrays if it has none."""
        return self if self.arrays else dataclasses.replace(self, arrays=arrays())

    @property
    def step_keys(self) -> list[str]:
        """Keys of the arrays that have a row for each step."""
        return [k for n, keys in self.arrays.items() if n not in _GIVEN for k in keys]

    @property
    def left_out(self) -> str:
        """Clause on the episodes that were left out; empty if there are none."""
        if not self.short:
            return ""
        count = len(self.short)
        names = ", ".join(self.short[:_NAMED]) + ", …" * (count > _NAMED)
        return f"{count} episodes of less than two steps: {names}"

    @property
    def doubts(self) -> list[str]:
        """Clauses on options that had no use, and on success that is nowhere."""
        clauses = []
        if self.images.value_range and not self.scaled:
            clauses.append(
                "--image_range was not used: there are no images that are not uint8"
            )
        if self.derived and not self.derived[True]:
            clauses.append(
                "success was derived from the last reward: 0 of "
                f"{self.derived.total()} episodes succeed; if they do, give "
                "--set=success=true or --map=success=KEY"
            )
        return clauses

    def episode(self, foreign: ForeignEpisode) -> Episode | None:
        """Convert an episode; None if it has no transition.

        Success, unless it is stated, means that the last reward is positive; without
        rewards every demonstration succeeds, and its last reward is 1. A last reward
        that contradicts a stated success is set to it, as in our worlds.

        Raises:
          ValueError: if arrays do not fit each other.
          KeyError: if a named array is missing.
        """
        notes: list[str] = []
        steps = self._acted(foreign)
        length = len(steps[fields.ACTION]) + 1 if steps else None
        observations = {
            name: self._observed(foreign, name, length, notes)
            for name in self.arrays
            if (name == fields.PHYSICS_STATE or _is_observation(name)) and length != 1
        }
        length = length or len(next(iter(observations.values())))
        if length < 2:
            self.short.append(foreign.name)
            return None
        found = {
            name: foreign_episode.one_value(name, foreign.get(key))
            for name, (key, *_) in self.arrays.items()
            if name in _GIVEN
        }
        stated = {**foreign.metadata, **self.metadata, **found}
        if fields.PHYSICS_STATE in observations:
            steps[fields.PHYSICS_STATE] = observations.pop(fields.PHYSICS_STATE)
        if fields.TIMESTAMP in self.arrays:
            (key,) = self.arrays[fields.TIMESTAMP]
            steps[fields.TIMESTAMP], stated[fields.CONTROL_HZ] = foreign_episode.times(
                foreign.get(key), length, stated.get(fields.CONTROL_HZ)
            )
        reward = steps.get(fields.REWARD)
        success = stated.get(fields.SUCCESS, reward is None or bool(reward[-1] > 0))
        if reward is not None and fields.SUCCESS not in stated:
            self.derived[success] += 1
        if reward is not None and bool(reward[-1] > 0) != success:
            reward[-1] = success
            notes.append(_CONTRADICTION)
        notes = dict.fromkeys(filter(None, notes))
        self.remarks.update(note for note in notes if note != foreign_episode.REPEATED)
        given = {
            fields.ROLE: fields.ROLE_DEMO,
            fields.FAMILY: self.dataset,
            fields.SPLIT: fields.SPLIT_TRAIN,
            fields.SUCCESS: success,
            fields.NOTES: "; ".join(
                filter(None, [foreign.name, foreign.notes, *notes])
            ),
            **stated,
        }
        task = _slug(given.get(fields.INSTRUCTION, ""))
        objects = given.get(fields.OBJECT_SET, self.dataset)
        given.setdefault(fields.TASK_ID, task or f"{objects}-{given[fields.FAMILY]}")
        # An object set lies in one split.
        split = given[fields.SPLIT]
        suffix = "" if split == fields.SPLIT_TRAIN else f"-{split}"
        given.setdefault(fields.OBJECT_SET, self.dataset + suffix)
        # Files of one format often name their episodes alike: ids differ by content.
        acted = steps.get(fields.ACTION)
        content = _digest(observations.values() if acted is None else [acted])
        seed = seeding.derive_seed("imported", foreign.name, foreign.index, content)
        task_id, role = given[fields.TASK_ID], given[fields.ROLE]
        name = episode_lib.episode_id(self.dataset, task_id, role, foreign.index, seed)
        given = {fields.EPISODE_ID: name, fields.SCENE_SEED: seed} | given
        if fields.ACTION in steps and reward is None:
            steps[fields.REWARD] = np.zeros(length - 1, np.float32)
            steps[fields.REWARD][-1] = given[fields.SUCCESS]
        return Episode.build(
            observations=observations, **steps, terminal=foreign.terminal, **given
        )

    def _acted(self, foreign: ForeignEpisode) -> dict[str, np.ndarray]:
        """Return actions [T, A] and rewards [T], as far as they are mapped."""
        steps = {
            name: foreign_episode.joined(
                [foreign.get(key) for key in self.arrays[name]]
            )
            for name in (fields.ACTION, fields.REWARD)
            if name in self.arrays
        }
        if foreign.has_spare_action:
            steps = {name: rows[:-1] for name, rows in steps.items()}
        if fields.REWARD in steps:
            rewards, count = steps[fields.REWARD], len(steps[fields.ACTION])
            if rewards.shape != (count, 1):
                raise ValueError(
                    f"rewards are {list(rewards.shape)} for {count} actions"
                )
            # A copy, since the last one may be changed.
            steps[fields.REWARD] = numbers.float32(fields.REWARD, rewards[:, 0]).copy()
        return steps

    def _observed(
        self, foreign: ForeignEpisode, name: str, length: int | None, notes: list[str]
    ) -> np.ndarray:
        """Return an observation as it is stored; remarks are added to the notes."""
        keys = self.arrays[name]
        arrays = [
            foreign_episode.whole(foreign, name, key, length, notes) for key in keys
        ]
        is_single = len(arrays) == 1 and name != fields.PHYSICS_STATE
        if is_single and (found := self.images.apply(name, arrays[0])):
            array, remark = found
            notes.append(remark)
            if arrays[0].dtype != np.uint8:
                self.scaled.add(name)
            return array
        array = foreign_episode.joined(arrays)
        if name in _IMAGES and image_form.resembles_images(array.shape[1:]):
            raise ValueError(
                f"{name} is {array.dtype}, not uint8: give the range of its values, as "
                "--image_range=0,1, or map it to another name to keep the numbers"
            )
        # Numbers of eight bits, but no image.
        return array.astype(np.float32) if array.dtype == np.uint8 else array


def unseen(spec: EpisodeSpec) -> str:
    """Return a clause on numbers in the shape of images; empty without any."""
    names = [o.name for o in spec.vectors if image_form.resembles_images(o.shape)]
    if not names:
        return ""
    return (
        f"{', '.join(names)}: kept as numbers, for images are uint8; with the range of "
        "their values, as --image_range=0,1, they become images"
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


def _digest(arrays: Iterable[np.ndarray]) -> str:
    """Return a digest of numbers [T, ...] and of the first one of images."""
    digest = hashlib.sha256()
    for array in arrays:
        rows = array[:1] if array.dtype == np.uint8 else array
        digest.update(f"{rows.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(rows))
    return digest.hexdigest()


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
