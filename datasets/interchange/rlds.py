"""Import of TFDS datasets in RLDS form: nested `steps` and fields beside them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange import (
    field_mapping,
    foreign_episode,
    rlds_feature,
    tfds_folder,
)
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.interchange.foreign_episode import ForeignEpisode

_FORMATS = (tfds.core.FileFormat.TFRECORD, tfds.core.FileFormat.ARRAY_RECORD)
_BATCH_STEPS = 64
_SUCCESSES = ("episode_metadata/success", "success")
_INSTRUCTIONS = (
    "language_instruction",
    "observation/natural_language_instruction",
    "natural_language_instruction",
)


class RldsDataset:
    """A prepared TFDS dataset on disk whose examples are episodes.

    Attributes:
      action_limits: None, since they are unknown.
      action_names: names of the dimensions of an action in parts; empty for one vector.
    """

    action_limits = None

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
            `observation/state`, or to the episode, as `episode_metadata/id`. Without
            one all observations of numbers and images, action, reward and instruction.
          last_action_counts: whether the last step has a valid action and reward,
            unlike in RLDS; its observation is then repeated for the one that followed.

        Raises:
          UserError: if there is no such dataset, or it lacks a mapped feature.
        """
        self._directory = directory
        self._last_action_counts = last_action_counts
        self._builder = tfds_folder.open_folder(directory)
        features = dict(self._builder.info.features.items())
        steps = features.pop(fields.STEPS, None)
        if not isinstance(steps, tfds.features.Dataset):
            raise UserError(
                f"{directory} has no nested `steps`: it is not in RLDS form"
            )
        if self._builder.info.file_format not in _FORMATS:
            raise UserError(
                f"{directory} is stored as {self._builder.info.file_format.value}: "
                "convert it with `tfds convert_format` to tfrecord"
            )
        in_steps, beside = (
            rlds_feature.leaves(steps.feature),
            rlds_feature.leaves(features),
        )
        self._mapping = mapping.or_default(lambda: _default(in_steps, beside))
        keys = {key for keys in self._mapping.arrays.values() for key in keys}
        if missing := sorted(keys - {*in_steps, *beside}):
            raise UserError(
                f"{directory} has no {missing[0]!r}; there are "
                + ", ".join(sorted({**in_steps, **beside}))
            )
        for key in sorted(keys):
            if not rlds_feature.is_readable({**beside, **in_steps}[key]):
                raise UserError(
                    f"{directory}: {key!r} is a sequence, of varying length or a "
                    "stack of images; leave it out"
                )
        self._unread = [] if mapping.arrays else _unread(in_steps)
        acts = self._mapping.arrays.get(fields.ACTION, ())
        parts = {key: in_steps[key] for key in acts if key in in_steps}
        self.action_names = rlds_feature.part_names(parts) if len(parts) > 1 else ()
        # What is not mapped is not decoded: it may be large, or of varying shape.
        keys.add(fields.IS_TERMINAL)
        # What is compressed is unpacked one by one, once its size is known.
        self._packed = {
            key: feature
            for key, feature in in_steps.items()
            if key in keys and rlds_feature.is_packed(feature)
        }
        self._packed_beside = {
            key: feature
            for key, feature in beside.items()
            if key in keys - {*in_steps} and rlds_feature.is_packed(feature)
        }
        skip = tfds.decode.SkipDecoding()
        self._decoders = {
            **rlds_feature.nested(dict.fromkeys(self._packed_beside, skip)),
            fields.STEPS: rlds_feature.nested(dict.fromkeys(self._packed, skip)),
        }
        self._features = tfds.features.FeaturesDict(
            {
                **rlds_feature.nested(
                    {k: f for k, f in beside.items() if k in keys - {*in_steps}}
                ),
                fields.STEPS: tfds.features.Dataset(
                    rlds_feature.nested(
                        {k: f for k, f in in_steps.items() if k in keys}
                    )
                ),
            }
        )

    @property
    def identity(self) -> dict[str, str]:
        """Name and version of the dataset, for the provenance."""
        return {"tfds": self._builder.info.full_name}

    @property
    def license(self) -> str | None:
        """Licence of the episodes; None if the dataset states none."""
        return self._builder.info.redistribution_info.license or None

    @property
    def left_out(self) -> str:
        """Clause on episodes and features that are not read; empty if all are."""
        unread = ", ".join(map(repr, self._unread))
        notes = (self._mapping.left_out, unread and f"not read: {unread}")
        return "; ".join(filter(None, notes))

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes of all splits that have a transition.

        Raises:
          UserError: if features do not fit each other or cannot be read.
        """
        index = 0
        for split in sorted(self._builder.info.splits):
            known, _ = foreign_episode.placed([split])  # it is in the name
            records = _records(self._builder.info.file_format, self._files(split))
            examples = records.map(
                lambda record: self._features.deserialize_example(
                    record, decoders=self._decoders
                )
            )
            for number, example in enumerate(_each(examples, self._directory)):
                try:
                    episode = self._episode(example, f"{split}/{number}", index, known)
                except (
                    *(LookupError, ValueError, TypeError),
                    *(tf.errors.OpError, OSError),
                ) as error:
                    raise UserError(
                        f"{self._directory}: episode {number} of {split}: {error}"
                    ) from None
                if episode is not None:
                    yield episode
                index += 1

    def _files(self, split: str) -> list[str]:
        """Return the shards of a split.

        Raises:
          UserError: if it has none.
        """
        try:
            paths = self._builder.info.splits[split].filepaths
        except (ValueError, LookupError) as error:
            raise UserError(f"{self._directory}: {error}") from None
        return [os.fspath(path) for path in paths]

    def _episode(
        self,
        example: Mapping[str, Any],
        name: str,
        index: int,
        metadata: Mapping[str, Any],
    ) -> Episode | None:
        batches = example.pop(fields.STEPS).batch(_BATCH_STEPS).as_numpy_iterator()
        parts = [_flat(batch) for batch in batches]
        if not parts:
            self._mapping.short.append(name)
            return None
        steps = {
            key: np.concatenate([part.pop(key) for part in parts])
            for key in list(parts[0])
        }
        size = 0
        for key, feature in self._packed.items():
            steps[key] = unpacked = _unpacked(steps[key], feature, size)
            size += unpacked.nbytes
        beside = _flat(tf.nest.map_structure(_numpy, example))
        for key, feature in self._packed_beside.items():
            (beside[key],) = unpacked = _unpacked([beside[key]], feature, size)
            size += unpacked.nbytes

        def get(key: str) -> np.ndarray:
            return np.asarray(steps[key] if key in steps else beside[key])

        terminal = steps.get(fields.IS_TERMINAL, np.zeros(1, bool))
        return self._mapping.episode(
            ForeignEpisode(
                get=get,
                name=name,
                index=index,
                terminal=bool(terminal[-1]),
                # By the convention of RLDS.
                has_spare_action=not self._last_action_counts,
                metadata=metadata,
            )
        )


def _unpacked(
    rows: Sequence[bytes], feature: tfds.features.FeatureConnector, size: int
) -> np.ndarray:
    """Return images that are stored as files, or tensors with zlib, of one shape.

    Args:
      rows: their bytes.
      feature: their feature.
      size: bytes of the episode so far.

    Raises:
      ValueError: if they are of several shapes, or too large.
    """
    result = None
    for row, data in enumerate(rows):
        rlds_feature.require_small(feature, data)
        array = feature.decode_example(data).numpy()
        if result is None:
            foreign_episode.require_bytes(size + len(rows) * array.nbytes)
            result = np.empty((len(rows), *array.shape), array.dtype)
        if array.shape != result.shape[1:]:
            raise ValueError(f"images are {list(array.shape)} and {result.shape[1:]}")
        result[row] = array
    return result


def _unread(steps: Mapping[str, Any]) -> list[str]:
    """Return observations and actions that are not imported without a mapping."""
    return [
        key
        for key, feature in sorted(steps.items())
        if not rlds_feature.is_numbers(feature)
        and (
            key.startswith(f"{fields.OBSERVATION}/")
            or (
                key.partition("/")[0] in (fields.ACTION, fields.REWARD)
                and not isinstance(feature, tfds.features.Text)
            )
        )
        and key not in _INSTRUCTIONS
    ]


def _default(
    steps: Mapping[str, Any], beside: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """Return the features that are imported without a mapping, by field."""
    before = f"{fields.OBSERVATION}/"
    numbers = [
        key for key, feature in steps.items() if rlds_feature.is_numbers(feature)
    ]
    others = {
        # One vector, or several in the order of their names.
        fields.ACTION: sorted(
            key for key in numbers if key.partition("/")[0] == fields.ACTION
        ),
        fields.REWARD: [key for key in numbers if key == fields.REWARD],
        fields.INSTRUCTION: [key for key in _INSTRUCTIONS if key in steps][:1],
        fields.SUCCESS: [
            key
            for key in _SUCCESSES
            if key in beside and rlds_feature.is_numbers(beside[key])
        ][:1],
    }
    observed = [key for key in numbers if key.startswith(before)]
    return field_mapping.defaults(
        {key.removeprefix(before): key for key in observed}, others
    )


def _records(
    file_format: tfds.core.FileFormat, files: Sequence[str]
) -> tf.data.Dataset:
    """Return the serialised examples of some files."""
    if file_format == tfds.core.FileFormat.TFRECORD:
        return tf.data.TFRecordDataset(files)
    # Installed on Linux only.
    from array_record.python.array_record_module import ArrayRecordReader

    def read() -> Iterator[bytes]:
        for reader in map(ArrayRecordReader, files):
            for _ in range(reader.num_records()):
                yield reader.read()

    return tf.data.Dataset.from_generator(
        read, output_signature=tf.TensorSpec((), tf.string)
    )


def _each(examples: tf.data.Dataset, directory: str | os.PathLike) -> Iterator[Any]:
    try:
        yield from examples
    except UnicodeDecodeError:  # of a message that quotes damaged bytes
        raise UserError(f"{directory} cannot be read: an example is damaged") from None
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
