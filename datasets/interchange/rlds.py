"""Import of TFDS datasets in RLDS form: nested `steps` and fields beside them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange.field_mapping import (
    REPEATED,
    FieldMapping,
    ForeignEpisode,
)

_ALL_STEPS = 1 << 20  # in one batch: more than any episode has


class RldsDataset:
    """A prepared TFDS dataset on disk whose examples are episodes."""

    def __init__(
        self,
        directory: str | os.PathLike,
        mapping: FieldMapping,
        last_action_counts: bool = False,
    ):
        """Open a dataset; none of the code that made it is needed.

        Args:
          directory: version folder, the one that holds `dataset_info.json`.
          mapping: features by field. Names are relative to a step, as
            `observation/state`, or to the episode, as `episode_metadata/id`.
          last_action_counts: whether the last step has a valid action and reward,
            unlike in RLDS; its observation is then repeated for the one that followed.

        Raises:
          UserError: if there is no such dataset.
        """
        self._directory = directory
        self._mapping = mapping
        self._last_action_counts = last_action_counts
        try:
            self._builder = tfds.builder_from_directory(os.fspath(directory))
            steps = dict(self._builder.info.features.items()).get(fields.STEPS)
        except Exception as error:  # TFDS raises whatever its parsers meet
            raise UserError(f"{directory} is not a TFDS dataset ({error})") from None
        if not isinstance(steps, tfds.features.Dataset):
            raise UserError(
                f"{directory} has no nested `steps`: it is not in RLDS form"
            )

    @property
    def name(self) -> str:
        """Name and version of the dataset."""
        return self._builder.info.full_name

    @property
    def license(self) -> str | None:
        """Licence of the episodes; None if the dataset states none."""
        return self._builder.info.redistribution_info.license or None

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes of all splits.

        Raises:
          UserError: if a feature is missing, does not fit the others or cannot be read.
        """
        read = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
        index = 0
        for split in sorted(self._builder.info.splits):
            examples = self._builder.as_dataset(split=split, read_config=read)
            for number, example in enumerate(_each(examples, self._directory)):
                try:
                    yield self._episode(example, f"{split}/{number}", index)
                except (LookupError, ValueError, TypeError) as error:
                    raise UserError(
                        f"{self._directory}: episode {number} of {split}: {error}"
                    ) from None
                index += 1

    def _episode(self, example: Mapping[str, Any], name: str, index: int) -> Episode:
        batches = example[fields.STEPS].batch(_ALL_STEPS).as_numpy_iterator()
        steps = _flat(next(batches, {}))
        others = {key: value for key, value in example.items() if key != fields.STEPS}
        beside = _flat(tf.nest.map_structure(_numpy, others))

        def get(key: str) -> np.ndarray:
            found = steps.get(key, beside.get(key))
            if found is None:
                raise UserError(
                    f"{self._directory} has no {key!r}; there are "
                    + ", ".join(sorted({**steps, **beside}))
                )
            # Observations have one step more than actions and rewards.
            if self._last_action_counts and key.startswith(f"{fields.OBSERVATION}/"):
                return np.concatenate([found, found[-1:]])
            return found

        terminal = steps.get(fields.IS_TERMINAL, np.zeros(1, bool))
        return self._mapping.episode(
            ForeignEpisode(
                get=get,
                name=name,
                index=index,
                terminal=bool(terminal[-1]),
                notes=REPEATED if self._last_action_counts else "",
            )
        )


def _each(examples: tf.data.Dataset, directory: str | os.PathLike) -> Iterator[Any]:
    try:
        yield from examples
    except (tf.errors.OpError, OSError) as error:
        raise UserError(f"{directory} cannot be read ({error})") from None


def _numpy(value: Any) -> Any:
    return value.numpy() if isinstance(value, tf.Tensor) else value


def _flat(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the leaves by path, such as `observation/state`."""
    result = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            result |= _flat(value, f"{before}{key}/")
        else:
            result[before + key] = value
    return result
