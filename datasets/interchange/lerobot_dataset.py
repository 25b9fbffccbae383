"""Import of LeRobot datasets: the episodes of a folder, by a field mapping."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.interchange import (
    field_mapping,
    foreign_episode,
    lerobot,
    lerobot_feature,
)
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.interchange.foreign_episode import REPEATED, ForeignEpisode
from wtl.datasets.interchange.lerobot_feature import Feature
from wtl.datasets.interchange.lerobot_folder import LeRobotFolder, ListedEpisode
from wtl.datasets.videos import video_frames

_OBSERVATION = "observation."
_ACTIONS = ("action", "actions")
_REWARD, _SUCCESS, _DONE = "next.reward", "next.success", "next.done"
_EPISODE, _TASK, _TIME = "episode_index", "task_index", "timestamp"
_NOT_OBSERVED = ("action", "next.")
_BOOKKEEPING = ("frame_index", _EPISODE, "index", _TASK, _TIME)
# Periods that a frame may be off its time. LeRobot allows 0.1 ms, but the starts that
# it writes drift in long videos (huggingface/lerobot, issue 3177).
_PERIODS = 0.25


class LeRobotDataset:
    """Episodes of a LeRobot folder."""

    action_limits = None

    def __init__(self, directory: str | os.PathLike, mapping: FieldMapping):
        """Open a folder.

        Args:
          directory: the folder that holds `meta`.
          mapping: features by field; without one all observations under their own
            names, actions and rewards.

        Raises:
          UserError: if it is no such folder, or lacks a mapped feature.
        """
        self._folder = LeRobotFolder(directory)
        self._mapping = mapping.or_default(self._default)
        self._features = {}
        for key in itertools.chain.from_iterable(self._mapping.arrays.values()):
            if key not in self._folder.features:
                raise self._folder.fault(
                    f"there is no feature {key!r} of numbers or colour images; there "
                    "are " + ", ".join(map(repr, self._folder.features))
                )
            self._features[key] = self._folder.features[key]
        longest = max(episode.length for episode in self._folder.episodes) + 1
        size = longest * sum(f.frame_bytes for f in self._features.values())
        try:
            foreign_episode.require_bytes(size)
        except ValueError as error:
            raise self._folder.fault(str(error)) from None

    @property
    def identity(self) -> dict[str, Any]:
        """Digest of the description of the dataset, and names of dimensions."""
        digest = hashlib.sha256(self._folder.info.encode()).hexdigest()
        names = {key: f.names for key, f in self._features.items() if f.names}
        return {"info_sha256": digest, "names": names}

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the dimensions of actions; empty if one is unknown."""
        keys = self._mapping.arrays.get(fields.ACTION, ())
        parts = [self._features[key].dimensions for key in keys]
        return tuple(itertools.chain.from_iterable(parts)) if all(parts) else ()

    @property
    def license(self) -> str | None:
        """Licence of the episodes; None if the folder states none."""
        return self._folder.license

    @property
    def left_out(self) -> str:
        """Clause on episodes and features that are not read; empty if all are."""
        unread = ", ".join(map(repr, self._folder.unread))
        notes = (
            self._folder.missing_note(),
            self._mapping.left_out,
            unread and f"not read: {unread}",
        )
        return "; ".join(filter(None, notes))

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes whose files are there.

        Raises:
          UserError: if an array does not fit its shape or the others, or a file is
            damaged.
        """
        features = self._folder.features
        columns = {_EPISODE, _TASK, _TIME, *({_SUCCESS, _DONE} & features.keys())}
        columns |= {key for key, f in self._features.items() if not f.is_video}
        for data, listed in itertools.groupby(self._folder.episodes, lambda e: e.data):
            expected = {episode.index: episode for episode in listed}
            lengths = {index: e.length for index, e in expected.items()}
            for index, rows in self._folder.rows(data, lengths, sorted(columns)):
                try:
                    episode = self._episode(expected.pop(index), rows)
                except (ValueError, LookupError, TypeError, pa.ArrowException) as error:
                    raise self._folder.fault(f"episode {index}: {error}") from None
                if episode is not None:
                    yield episode
            for index in expected:
                self._folder.missing[index] = f"rows in {data.name}"
        self._folder.require_episodes()

    def _default(self) -> dict[str, tuple[str, ...]]:
        """Return the features that are imported without a mapping, by field."""
        features = self._folder.features
        observed = [n for n in features if n.startswith(_OBSERVATION)] or [
            name
            for name in features
            if name not in _BOOKKEEPING and not name.startswith(_NOT_OBSERVED)
        ]
        action = next((name for name in _ACTIONS if name in features), None)
        if action is None:
            raise self._folder.fault("no feature is called 'action': use --map")
        steps = {fields.REWARD: _REWARD, fields.TIMESTAMP: _TIME, fields.ACTION: action}
        return field_mapping.defaults(
            {self._name(name): name for name in observed},
            {field: (key,) for field, key in steps.items() if key in features},
        )

    def _name(self, feature: str) -> str:
        """Return the name of an observation of ours for one of LeRobot's."""
        name = feature.removeprefix(_OBSERVATION)
        ours = self._folder.episodes[0].ours and lerobot.CAMERAS
        return {v: k for k, v in ours.items()}.get(name, name.replace(".", "/"))

    def _episode(self, listed: ListedEpisode, rows: pa.Table) -> Episode | None:
        if len(rows) != listed.length:
            raise ValueError(f"{len(rows)} rows, not {listed.length} as listed")
        times = _values(rows, _TIME).astype(np.float64)
        # The last row once more, for the observation after the last action.
        repeated = np.minimum(np.arange(listed.length + 1), listed.length - 1)

        def get(key: str) -> np.ndarray:
            feature = self._features[key]
            if key == _TIME:
                return np.append(times, times[-1] + 1 / self._folder.fps)
            if not feature.is_video:
                return _values(rows, key, feature)[repeated]
            path, start = listed.videos[key]
            try:
                return video_frames.at_times(
                    path,
                    start + times[repeated],
                    feature.shape,
                    _PERIODS / self._folder.fps,
                )
            except video_frames.VideoError as error:
                raise ValueError(f"{path.name!r} of {key!r} {error}") from None

        flags = {
            key: bool(_values(rows, key).any())
            for key in (_SUCCESS, _DONE)
            if key in rows.column_names
        }
        tasks = dict.fromkeys(_values(rows, _TASK).tolist())
        unknown = [task for task in tasks if task not in self._folder.tasks]
        if unknown and self._folder.tasks:
            raise ValueError(f"{_TASK} {unknown[0]} is none of the listed tasks")
        known = {
            fields.CONTROL_HZ: self._folder.fps,
            fields.INSTRUCTION: "; ".join(
                self._folder.tasks[task] for task in tasks if task in self._folder.tasks
            ),
        }
        splits = [
            n for n, range_ in self._folder.splits.items() if listed.index in range_
        ]
        split, note = foreign_episode.placed(splits)
        known |= split
        if _SUCCESS in flags:
            known[fields.SUCCESS] = flags[_SUCCESS]
        return self._mapping.episode(
            ForeignEpisode(
                get=get,
                name=f"episode {listed.index}",
                index=listed.index,
                # Episodes that are cut off are done too.
                terminal=flags.get(_DONE, False) and flags.get(_SUCCESS, False),
                has_spare_action=True,
                notes="; ".join(filter(None, [note, REPEATED])),
                metadata=self._ours(listed) or known,
            )
        )

    def _ours(self, listed: ListedEpisode) -> dict[str, Any]:
        """Return the metadata that WTL's export added."""
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in listed.ours.items()
            # The id is of the other metadata, so it is a new one if one of them is set.
            if value is not None
            and not (name == fields.EPISODE_ID and self._mapping.metadata)
        }


def _values(rows: pa.Table, key: str, feature: Feature | None = None) -> np.ndarray:
    """Return the values of a column; errors name it."""
    try:
        if feature:
            return feature.values(rows[key])
        return lerobot_feature.numbers(rows[key])
    except ValueError as error:
        raise ValueError(f"{key!r}: {error}") from None
