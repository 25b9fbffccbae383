"""Demonstrations and trials that clients send, or name by their ids in a run."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.collection.worlds.plain.environment import flat
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeError, episode_id
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading.reader import EpisodesById
from wtl.datasets.storage import location

OBSERVATION = "observation"
_FIELDS = (OBSERVATION, fields.ACTION, fields.SUCCESS)


class RunEpisodes:
    """Episodes in the datasets of a run; ids are read when one is first named."""

    def __init__(self, run: pathlib.Path):
        """Offer the newest version of each dataset in RUN/datasets."""
        folders = sorted((run / "datasets").glob("*"))
        self._folders = [f for f in folders if location.versions(f)]
        self._datasets: dict[pathlib.Path, EpisodesById] = {}

    def __getitem__(self, name: str) -> Episode:
        """Return an episode by its id.

        Raises:
          UserError: if there is none, or it is marked invalid.
        """
        for folder in self._folders:
            if folder not in self._datasets:
                self._datasets[folder] = EpisodesById(folder)
            if name in self._datasets[folder].payloads:
                episode = self._datasets[folder][name]
                if episode.metadata[fields.INVALID]:
                    raise UserError(f"episode {name} is marked invalid")
                return episode
        raise UserError(f"no dataset of the run has an episode {name!r:.80}")


def read(
    given: Sequence[Any],
    role: str,
    inputs: Mapping[str, tuple[int, ...]],
    acts: bool,
    run: RunEpisodes,
) -> list[Episode]:
    """Return context episodes that a client has sent.

    Args:
      given: of each the id in a dataset of the run, or a map of `observation`, arrays
        [T+1, ...] by name, flat or nested; `action` [T, A], or [T+1, A] of which the
        last is ignored; and `success`, of demonstrations True if it is left out.
      role: of the episodes.
      inputs: observations that the policy needs, see `Policy.context_inputs`.
      acts: whether they have actions; videos of humans have none.
      run: where ids are looked up.

    Raises:
      UserError: if one is malformed or unknown.
    """
    if not isinstance(given, list):
        raise UserError("demos and trials are lists of episodes")
    found = []
    for number, each in enumerate(given):
        try:
            if isinstance(each, str):
                each = _stored(run[each], acts)
            found.append(_episode(each, number, role, inputs, acts))
        except UserError as error:
            raise UserError(f"{role} {number}: {error}") from error
    return found


def _stored(episode: Episode, acts: bool) -> dict[str, Any]:
    known = {fields.ACTION: episode.steps.get(fields.ACTION)} if acts else {}
    return known | {
        OBSERVATION: dict(episode.steps),
        fields.SUCCESS: episode.metadata[fields.SUCCESS],
    }


def _episode(
    tree: Any,
    number: int,
    role: str,
    inputs: Mapping[str, tuple[int, ...]],
    acts: bool,
) -> Episode:
    """Return an episode with the observations that the policy needs, and no others.

    Others could differ between episodes, which are stacked.
    """
    if not isinstance(tree, dict) or not isinstance(tree.get(OBSERVATION), dict):
        raise UserError("an episode is an id, or a map with an observation")
    if left := tree.keys() - set(_FIELDS):
        raise UserError(f"unknown field {min(map(str, left))!r:.40}")
    success = tree.get(fields.SUCCESS, role == fields.ROLE_DEMO or None)
    if not isinstance(success, bool | np.bool_):
        raise UserError("success must be true or false")
    observed = flattened(tree[OBSERVATION])
    arrays = {}
    for name, shape in inputs.items():
        if name not in observed:
            raise UserError(f"it has no observation {name!r}")
        arrays[name] = _numbers(f"observation {name!r}", observed[name])
        is_image = arrays[name].ndim == 4 and arrays[name].shape[3] == 3
        if (len(shape) == 3) != (arrays[name].dtype == np.uint8 and is_image):
            kind = "images uint8[T, H, W, 3]" if len(shape) == 3 else "numbers"
            raise UserError(f"observation {name!r} is not of {kind}")
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) != 1 or min(lengths) < 2:
        raise UserError("the observations need two or more steps, as many of each")
    (length,) = lengths
    action = None
    if acts:
        action = _numbers("action", tree.get(fields.ACTION))
        if action.ndim != 2 or length - len(action) not in (0, 1):
            raise UserError(
                f"action is of shape {list(action.shape)}; {length} observations take "
                f"[{length - 1}, A]"
            )
        action = action[: length - 1]
    task = "served"
    try:
        return Episode.build(
            observations=arrays,
            action=action,
            reward=None if action is None else np.zeros(length - 1, np.float32),
            episode_id=episode_id("served", task, role, number, 0),
            task_id=task,
            family=task,
            object_set=task,
            split=fields.SPLIT_TEST,
            role=role,
            scene_seed=0,
            success=bool(success),
        )
    except EpisodeError as error:
        raise UserError(str(error)) from error


def flattened(observation: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of a nested observation by path.

    Raises:
      UserError: if one is a list of lists of different lengths.
    """
    try:
        return flat(observation)
    except ValueError as error:
        raise UserError("an observation is no array of numbers") from error


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if not array.ndim or array.dtype.kind not in "fiub":
        raise UserError(f"{name} is no array of numbers")
    if not np.isfinite(array).all():
        raise UserError(f"{name} is not finite")
    return array
