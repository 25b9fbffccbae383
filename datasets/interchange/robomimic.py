"""Exchange with robomimic: one HDF5 file of demonstrations.

Layout: `data/demo_<i>/` with `actions`, `rewards`, `dones`, `states`, and groups `obs`
and `next_obs`, of T rows each; the attribute `num_samples` there, `total` and
`env_args` on `data`; names of demonstrations by split under `mask/`. See
https://robomimic.github.io/docs/datasets/overview.html. Files of ManiSkill are read
too: groups `traj_<i>` at the top, with `obs` of T+1 rows and `success`.

Other fields go into a group `wtl` of each demonstration, which robomimic ignores, so
that an export can be imported again exactly.
"""

import itertools
import json
import math
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

from wtl.datasets.contract import fields, regular_file
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.interchange import field_mapping, foreign_episode
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.interchange.foreign_episode import ForeignEpisode
from wtl.datasets.interchange.hdf5_group import Hdf5Group
from wtl.datasets.reading import reader
from wtl.datasets.storage import card, checksums
from wtl.datasets.storage.location import resolve

_DEMO = re.compile(r"(?:demo|traj)_(\d{1,9})")
# Errors that damaged or foreign content leads to, those of h5py among them.
_FAULTS = (
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
    *(OSError, RuntimeError, MemoryError),
)
_OURS = "wtl"
_LICENSE = "license"
_LIMITS = ("wtl_action_low", "wtl_action_high")
_NAMES = "wtl_action_names"
_GYM_TYPE = 2  # the robomimic.envs.env_base.EnvType that is nearest
_OUR_STEPS = (
    fields.DISCOUNT,
    fields.IS_TERMINAL,
    fields.TIMESTAMP,
    fields.IS_INTERVENTION,
)
# Split names that robomimic's own tools use.
_MASKS = {
    fields.SPLIT_TRAIN: "train",
    fields.SPLIT_VAL: "valid",
    fields.SPLIT_TEST: "test",
}


def export(dataset_dir: str | os.PathLike, path: str | os.PathLike) -> int:
    """Write a published dataset as one HDF5 file, which appears whole or not at all.

    Return the number of exported episodes.

    Raises:
      UserError: if the file is there, cannot be written, or there are no actions.
      DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if the dataset
        cannot be read.
    """
    source, path = resolve(dataset_dir), pathlib.Path(path)
    license_text, spec = card.stored_license(source), schema.stored_spec(source)
    if not spec.action_size:
        raise UserError(f"{source} holds videos; robomimic needs actions")
    if path.exists():
        raise UserError(f"{path} exists already; give another name")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(partial, "w") as file:
            count = _write(file, reader.iterate_episodes(source))
            # HDF5 ends texts at a NUL.
            file["data"].attrs[_LICENSE] = license_text.replace("\0", "")
            limits = (spec.action_low, spec.action_high)
            file["data"].attrs.update(zip(_LIMITS, limits, strict=True))
            file["data"].attrs[_NAMES] = json.dumps(spec.action_names)
        os.replace(partial, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # HDF5 says more
        raise UserError(f"{path} cannot be written ({reason})") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


class RobomimicFile:
    """Demonstrations in an HDF5 file.

    Attributes:
      path: the file.
    """

    def __init__(self, path: str | os.PathLike, mapping: FieldMapping):
        """Open a file.

        Args:
          path: the file.
          mapping: arrays by field; names are relative to a demonstration, as
            `obs/object`. Without one all of `obs`, actions and rewards, or just what
            WTL exported.

        Raises:
          UserError: if it is not such a file, or needs a mapping.
        """
        self.path = pathlib.Path(path)
        try:
            # HDF5 itself would wait for the writer of a named pipe.
            regular_file.open_regular(path).close()
            self._file = h5py.File(path, "r")
            self._root = Hdf5Group(self._file)
            has_data = "data" in self._root
            self._data = self._root.group("data") if has_data else self._root
            names = filter(_DEMO.fullmatch, self._data.names)
            self._demos = {
                name: self._data.group(name) for name in sorted(names, key=_number)
            }
        except FileNotFoundError:
            raise UserError(f"there is no file {path}") from None
        except _FAULTS as error:
            raise UserError(f"{path} is not a robomimic file ({error})") from None
        if not self._demos:
            raise UserError(f"{path} has no demonstration: no group demo_0 or traj_0")
        is_ours = all(_OURS in demo for demo in self._demos.values())
        self._is_exact = is_ours and not (mapping.arrays or mapping.metadata)
        self._mapping = mapping
        if not self._is_exact:
            try:
                self._mapping = mapping.or_default(self._default)
            except _FAULTS as error:
                raise UserError(f"{path}: {error}") from None

    @property
    def action_limits(self) -> field_mapping.Limits | None:
        """Limits of actions; None if they are unknown."""
        if not self._is_exact:
            return None
        low, high = (self._data.attrs.get(name, ()) for name in _LIMITS)
        return tuple(map(float, low)), tuple(map(float, high))

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the dimensions of actions; empty if unknown."""
        is_known = self._is_exact and _NAMES in self._data.attrs
        return tuple(json.loads(self._data.attrs[_NAMES])) if is_known else ()

    @property
    def identity(self) -> dict[str, str]:
        """Digest of the file, for the provenance."""
        return {"sha256": checksums.checksum(self.path).sha256}

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes.

        Raises:
          UserError: if an array is missing or does not fit the others.
        """
        name = "mask"
        try:
            masks = self._masks()
            for index, (name, group) in enumerate(self._demos.items()):
                episode = (
                    _ours(group)
                    if self._is_exact
                    else self._episode(group, name, index, masks.get(name, ()))
                )
                if episode is not None:
                    yield episode
        except _FAULTS as error:
            text = error.args[0] if isinstance(error, KeyError) else error
            raise UserError(f"{self.path}: {name}: {text}") from None

    def _episode(
        self, group: Hdf5Group, name: str, index: int, masks: Sequence[str]
    ) -> Episode | None:
        self._check_shapes(group)
        split, notes = foreign_episode.placed(masks)
        known = self._known() | split

        def get(key: str) -> np.ndarray:
            is_attribute = key not in group and key in group.attrs
            return np.asarray(group.attrs[key]) if is_attribute else group.read(key)

        def after(key: str) -> np.ndarray | None:
            is_known = key.startswith("obs/") and f"next_{key}" in group
            return _after(group, key) if is_known else None

        return self._mapping.episode(
            ForeignEpisode(get, name, index, after=after, notes=notes, metadata=known)
        )

    def _check_shapes(self, group: Hdf5Group) -> None:
        """Refuse arrays that fit neither each other nor the memory, before reading."""
        keys = itertools.chain.from_iterable(self._mapping.arrays.values())
        shapes = {key: group.shape(key) for key in keys if key in group}
        foreign_episode.require_bytes(sum(size for _, size in shapes.values()))
        counts = sorted(
            (math.prod(shapes[key][0][:1]), key)
            for key in self._mapping.step_keys
            if key in shapes
        )
        if counts and counts[-1][0] > counts[0][0] + 1:
            (most, longest), (least, shortest) = counts[-1], counts[0]
            raise ValueError(f"{longest!r} has {most} steps, but {shortest!r} {least}")

    def _default(self) -> dict[str, tuple[str, ...]]:
        """Return the arrays that are imported without a mapping, by field."""
        first = next(iter(self._demos.values()))
        if "obs" not in first or "actions" not in first:
            raise UserError(
                f"{self.path} has no 'obs' or no 'actions': map its arrays, as in "
                "--map=state=states --map=action=actions --map=reward=rewards"
            )
        others = {
            fields.ACTION: "actions",
            fields.REWARD: "rewards",
            fields.SUCCESS: "success",
        }
        return field_mapping.defaults(
            {path.removeprefix("obs/"): path for path in first.arrays("obs")},
            {field: (key,) for field, key in others.items() if key in first},
        )

    def _masks(self) -> dict[str, list[str]]:
        """Return the masks that name a demonstration, by its name."""
        found = {}
        masks = self._root.group("mask") if "mask" in self._root else None
        for mask in masks.names if masks else ():
            for name in masks.read(mask).reshape(-1).tolist():
                text = name.decode() if isinstance(name, bytes) else str(name)
                if text in self._demos:
                    found.setdefault(text, []).append(mask)
        return found

    def _known(self) -> dict[str, Any]:
        """Return the metadata that the environment's arguments state."""
        try:
            environment = json.loads(self._data.attrs["env_args"])
            rate = float(environment["env_kwargs"]["control_freq"])
        except (KeyError, TypeError, ValueError):
            return {}
        return {fields.CONTROL_HZ: rate}

    @property
    def left_out(self) -> str:
        """Clause on episodes that are not read; empty if all are."""
        return self._mapping.left_out

    @property
    def license(self) -> str | None:
        """Licence of the episodes; None if the file states none."""
        text = self._data.attrs.get(_LICENSE)
        return text if isinstance(text, str) else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "RobomimicFile":
        return self

    def __exit__(self, *unused_exception) -> None:
        self.close()


def _number(name: str) -> int:
    return int(_DEMO.fullmatch(name)[1])


def _write(file: h5py.File, episodes: Iterator[Episode]) -> int:
    data = file.create_group("data")
    data.attrs["env_args"] = json.dumps(
        {"env_name": _OURS, "type": _GYM_TYPE, "env_kwargs": {}}
    )
    masks: dict[str, list[str]] = {}
    count = total = 0
    for count, episode in enumerate(episodes, start=1):
        name = f"demo_{count - 1}"
        _write_episode(data.create_group(name), episode)
        total += len(episode) - 1
        masks.setdefault(_MASKS[episode.metadata[fields.SPLIT]], []).append(name)
    data.attrs["total"] = total
    for mask, names in masks.items():
        file.create_dataset(f"mask/{mask}", data=np.array(names, "S"))
    return count


def _write_episode(group: h5py.Group, episode: Episode) -> None:
    steps, samples = episode.steps, len(episode) - 1
    group.attrs["num_samples"] = samples
    group["actions"] = steps[fields.ACTION][:-1]
    group["rewards"] = steps[fields.REWARD][:-1]
    # An episode ends here for robomimic whether by its task or by the horizon.
    group["dones"] = steps[fields.IS_LAST][1:].astype(np.int64)
    physics = steps.get(fields.PHYSICS_STATE, np.zeros((samples + 1, 0)))
    group["states"] = physics[:-1]
    for name in (n for n in steps if n not in fields.STEP_FIELDS):
        packed = {}
        if steps[name].dtype == np.uint8:
            chunk = (1, *steps[name].shape[1:])
            packed = {"chunks": chunk, "compression": "gzip"}
        group.create_dataset(f"obs/{name}", data=steps[name][:-1], **packed)
        group.create_dataset(f"next_obs/{name}", data=steps[name][1:], **packed)
    ours = group.create_group(_OURS)
    ours.attrs["metadata"] = json.dumps(episode.metadata)
    for name in (n for n in _OUR_STEPS if n in steps):
        ours[name] = steps[name]
    if fields.PHYSICS_STATE in steps:
        ours["last_state"] = physics[-1]


def _after(group: Hdf5Group, key: str) -> np.ndarray:
    """Return the last row of `next_obs`, which must be of the form of `obs`."""
    later = f"next_{key}"
    forms = [
        (list(group.shape(path)[0]), group.read(path, -1).dtype)
        for path in (key, later)
    ]
    if forms[0] != forms[1]:
        (shape, dtype), (other, kind) = forms
        raise ValueError(
            f"{later!r} is {kind}{other}, but {key!r} {dtype}{shape}: correct or "
            "remove it"
        )
    return group.read(later, -1)


def _ours(group: Hdf5Group) -> Episode:
    """Return an episode that WTL exported, exactly as it was."""
    ours = group.group(_OURS)
    observed = list(group.arrays("obs"))
    foreign_episode.require_bytes(sum(group.shape(path)[1] for path in observed))
    steps = {
        path.removeprefix("obs/"): np.concatenate(
            [group.read(path), _after(group, path)[None]]
        )
        for path in observed
    }
    for name, key in ((fields.ACTION, "actions"), (fields.REWARD, "rewards")):
        rows = group.read(key)
        steps[name] = np.concatenate([rows, np.zeros_like(rows[:1])])
    length = len(steps[fields.ACTION])
    steps[fields.IS_FIRST] = np.arange(length) == 0
    steps[fields.IS_LAST] = np.arange(length) == length - 1
    steps |= {name: ours.read(name) for name in ours.names if name in _OUR_STEPS}
    if "last_state" in ours:
        steps[fields.PHYSICS_STATE] = np.concatenate(
            [group.read("states"), ours.read("last_state")[None]]
        )
    metadata = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(ours.attrs["metadata"]).items()
    }
    return Episode(steps, metadata)
