"""Export to rerun's recordings, one `.rrd` file per episode (https://rerun.io).

Entities are named as the fields of a step, `observation/…`, `action`, `reward`, on the
timeline `time` in seconds. Images are PNG; arrays of more than two axes are flat.
Metadata are properties of the recording. Physics states are left out.
"""

import contextlib
import io
import os
import pathlib
import shutil

import numpy as np
import PIL.Image

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.storage import card
from wtl.datasets.storage.location import resolve

_LEFT_OUT = (fields.PHYSICS_STATE, fields.TIMESTAMP)
_TIMELINE = "time"


def export(dataset_dir: str | os.PathLike, folder: str | os.PathLike) -> int:
    """Write a published dataset as a folder of recordings.

    The folder appears whole or not at all. Return the number of exported episodes.

    Raises:
      UserError: if rerun is not installed, or the folder is there or cannot be written.
      DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if the dataset
        cannot be read.
    """
    try:
        import rerun
    except ImportError as error:
        raise UserError(
            "--format=rerun needs the package rerun-sdk: `pip install 'wtl[rerun]'`"
        ) from error
    source, folder = resolve(dataset_dir), pathlib.Path(folder)
    if folder.exists():
        raise UserError(f"{folder} exists already; give another name")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    count = 0
    try:
        partial.mkdir(parents=True)
        for episode in reader.iterate_episodes(source):
            _write(rerun, episode, partial / f"{count:06d}.rrd")
            count += 1
        license_text = card.stored_license(source)
        (partial / fields.LICENSE_FILE).write_text(license_text, encoding="utf-8")
        os.rename(partial, folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count


def _write(rerun, episode: Episode, path: pathlib.Path) -> None:
    recording = rerun.RecordingStream("wtl", recording_id=episode.id)
    with contextlib.ExitStack() as closing:
        closing.callback(recording.disconnect)
        recording.save(path)
        recording.send_recording_name(episode.id)
        known = {name: str(value) for name, value in episode.metadata.items()}
        recording.send_property("metadata", rerun.AnyValues(**known))
        times = rerun.TimeColumn(_TIMELINE, duration=episode.steps[fields.TIMESTAMP])
        for name, array in episode.steps.items():
            if name in _LEFT_OUT:
                continue
            if array.dtype == np.uint8 and array.ndim == 4:
                blobs = [_png(image) for image in array]
                columns = rerun.EncodedImage.columns(
                    blob=blobs, media_type=["image/png"] * len(blobs)
                )
            else:
                flat = array.reshape(len(array), -1).astype(np.float64)
                columns = rerun.Scalars.columns(scalars=flat)
            rerun.send_columns(name, [times], columns, recording=recording)


def _png(image: np.ndarray) -> bytes:
    """Encode an image [H, W, 3]."""
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "png")
    return file.getvalue()
