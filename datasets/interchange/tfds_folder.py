"""Opening of TFDS folders of any origin."""

import os
import pathlib

import tensorflow_datasets as tfds

from wtl.datasets.contract import fields, regular_file
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import feature_classes


def open_folder(directory: str | os.PathLike) -> tfds.core.DatasetBuilder:
    """Open a prepared dataset with none of the code that made it.

    Args:
      directory: version folder, the one that holds `dataset_info.json`.

    Raises:
      UserError: if it is no such folder, its features are of classes outside of TFDS,
        or a file is no regular one inside the folder.
    """
    if not os.path.isdir(directory):
        raise UserError(f"{directory} is no folder of this machine")
    for name, reason in regular_file.faults(directory):
        raise UserError(f"{directory}: {name} {reason}")
    features = pathlib.Path(directory, fields.FEATURES_FILE)
    if features.exists():  # TFDS says what is missing
        feature_classes.check(features)
    try:
        builder = tfds.builder_from_directory(os.fspath(directory))
        files = [
            file for split in builder.info.splits.values() for file in split.filepaths
        ]
    except Exception as error:  # TFDS raises whatever its parsers meet
        raise UserError(f"{directory} is not a TFDS dataset ({error})") from None
    for file in files:
        if reason := regular_file.fault(file, directory):
            raise UserError(f"{directory}: {file} {reason}")
    return builder
