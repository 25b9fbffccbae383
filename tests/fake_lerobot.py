"""LeRobot datasets of each version, written from the format's description.

Layouts are those of huggingface/lerobot: `lerobot/common/datasets/utils.py` of its
version 0.1 for 2.0 and 2.1, `src/lerobot/datasets/utils.py` of 0.4 for 3.0.
"""

import io
import json
import pathlib

import fake_videos
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FPS = 30
LENGTHS = (5, 8, 6, 7, 9)
TASKS = ("Put the red cup on the shelf.", "ほうきをとって")
# Large enough for x265, which spoils smaller frames now and then.
CAMERAS = {
    "observation.images.cam_high": (72, 96),
    "observation.images.wrist.left": (80, 64),
}
JOINTS = [f"joint_{n}" for n in range(7)]
CODECS = {
    "libx264": {"crf": "5", "preset": "ultrafast"},
    "libx265": {"crf": "1", "preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"crf": "1", "preset": "11"},
}
_CHUNK = 2  # episodes, or files, in a folder
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_NUMBERS = {
    "observation.state": ("float32", [7], {"motors": JOINTS}),
    "observation.environment_state": ("float64", [2], ["x", "y"]),
    "observation.contact": ("bool", [1], None),
    "observation.counts": ("int64", [3], None),
    "observation.grid": ("float32", [2, 3], None),
    "action": ("float32", [4], ["dx", "dy", "dz", "turn"]),
    "next.done": ("bool", [1], None),
    "timestamp": ("float32", [1], None),
    **{
        name: ("int64", [1], None)
        for name in ("frame_index", "episode_index", "index", "task_index")
    },
}


def numbers(episode: int) -> dict[str, np.ndarray]:
    """Return the arrays of an episode but its images, [T, ...]."""
    rng, length = np.random.default_rng(episode), LENGTHS[episode]
    frame = np.arange(length)
    return {
        "observation.state": rng.normal(size=(length, 7)).astype("f4"),
        "observation.environment_state": rng.normal(size=(length, 2)),
        "observation.contact": rng.random(length) < 0.5,
        "observation.counts": rng.integers(0, 99, (length, 3)),
        "observation.grid": rng.normal(size=(length, 2, 3)).astype("f4"),
        "action": rng.uniform(-80, 80, (length, 4)).astype("f4"),
        "next.done": frame == length - 1,
        "timestamp": (frame / FPS).astype("f4"),
        "frame_index": frame,
        "episode_index": np.full(length, episode),
        "index": sum(LENGTHS[:episode]) + frame,
        "task_index": np.full(length, episode % len(TASKS)),
    }


def pictures(episode: int, camera: str) -> np.ndarray:
    """Return the uint8[T, H, W, 3] images of an episode: patches of plain colours."""
    height, width = CAMERAS[camera]
    rng = np.random.default_rng([episode, len(camera)])
    patches = rng.integers(30, 226, (LENGTHS[episode], 2, 2, 3), np.uint8)
    return patches.repeat(height // 2, 1).repeat(width // 2, 2)


def write(
    folder: pathlib.Path,
    version: str,
    codec: str | None = "libx264",
    more: dict[str, list] | None = None,
) -> pathlib.Path:
    """Write a dataset and return its folder.

    Args:
      folder: the folder.
      version: `v2.0`, `v2.1` or `v3.0`.
      codec: encoder of the videos; None embeds images in the tables.
      more: further columns by name: numbers [T] by episode.
    """
    is_v3 = version == "v3.0"
    features = {
        name: {"dtype": dtype, "shape": shape, "names": names}
        for name, (dtype, shape, names) in _NUMBERS.items()
    } | {name: {"dtype": "float32", "shape": [1], "names": None} for name in more or ()}
    for key, (height, width) in CAMERAS.items():
        features[key] = {
            "dtype": "video" if codec else "image",
            "shape": [height, width, 3],
            "names": ["height", "width", "channel"],
        }
    chunk = "chunk-{chunk_index:03d}/file-{file_index:03d}"
    old = "chunk-{episode_chunk:03d}/"
    info = {
        "codebase_version": version,
        "robot_type": "so100",
        "total_episodes": len(LENGTHS),
        "total_frames": sum(LENGTHS),
        "total_tasks": len(TASKS),
        "chunks_size": _CHUNK,
        "fps": FPS,
        "splits": {"train": f"0:{len(LENGTHS)}"},
        "data_path": f"data/{chunk}.parquet"
        if is_v3
        else f"data/{old}episode_{{episode_index:06d}}.parquet",
        "video_path": f"videos/{{video_key}}/{chunk}.mp4"
        if is_v3
        else f"videos/{old}{{video_key}}/episode_{{episode_index:06d}}.mp4",
        "features": features,
    }
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
    tables = [_table(e, codec, more or {}) for e in range(len(LENGTHS))]
    (_write_v3 if is_v3 else _write_v2)(folder, info, tables, codec)
    return folder


def _table(episode: int, codec: str | None, more: dict[str, list]) -> pa.Table:
    arrays = numbers(episode) | {name: rows[episode] for name, rows in more.items()}
    columns = {key: pa.array(rows.tolist()) for key, rows in arrays.items()}
    columns["observation.state"] = pa.FixedSizeListArray.from_arrays(
        arrays["observation.state"].ravel(), 7
    )
    for camera in () if codec else CAMERAS:
        cells = []
        for image in pictures(episode, camera):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            cells.append({"bytes": buffer.getvalue(), "path": "frame.png"})
        columns[camera] = pa.array(cells, _IMAGE)
    return pa.table(columns)


def _film(path: pathlib.Path, camera: str, codec: str, episodes: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.concatenate([pictures(e, camera) for e in episodes])
    times = np.arange(len(images)) / FPS
    options = CODECS[codec] | {"g": "2"}
    fake_videos.film(path, images, times, codec=codec, options=options, ticks=FPS)


def _parts(size: int) -> list[list[int]]:
    numbers = list(range(len(LENGTHS)))
    return [numbers[i : i + size] for i in range(0, len(numbers), size)]


def _write_v2(folder, info, tables, codec):
    episodes, tasks = [], []
    for index, table in enumerate(tables):
        place = {"episode_index": index, "episode_chunk": index // _CHUNK}
        path = folder / info["data_path"].format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        for camera in CAMERAS if codec else ():
            path = folder / info["video_path"].format(video_key=camera, **place)
            _film(path, camera, codec, [index])
        task = [TASKS[index % len(TASKS)]]
        episodes.append({"episode_index": index, "tasks": task, "length": len(table)})
    tasks = [{"task_index": i, "task": task} for i, task in enumerate(TASKS)]
    for name, rows in (("episodes", episodes), ("tasks", tasks)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"meta/{name}.jsonl").write_text("\n".join(lines) + "\n")


def _write_v3(folder, info, tables, codec):
    rows = [
        {
            "episode_index": index,
            "tasks": [TASKS[index % len(TASKS)]],
            "length": length,
            "dataset_from_index": sum(LENGTHS[:index]),
            "dataset_to_index": sum(LENGTHS[: index + 1]),
            "stats/action/max": [1.0],
        }
        for index, length in enumerate(LENGTHS)
    ]
    for file, held in enumerate(_parts(2)):
        place = {"chunk_index": file // _CHUNK, "file_index": file % _CHUNK}
        path = folder / info["data_path"].format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.concat_tables([tables[e] for e in held]), path)
        for episode in held:
            rows[episode] |= {f"data/{key}": value for key, value in place.items()}
    for camera in CAMERAS if codec else ():
        for file, held in enumerate(_parts(3)):
            place = {"chunk_index": file // _CHUNK, "file_index": file % _CHUNK}
            path = folder / info["video_path"].format(video_key=camera, **place)
            _film(path, camera, codec, held)
            start = 0
            for episode in held:
                end = start + LENGTHS[episode]
                # Starts drift, as LeRobot's issue 3177 says.
                span = {"from_timestamp": start / FPS * 1.005}
                span["to_timestamp"] = end / FPS
                rows[episode] |= {
                    f"videos/{camera}/{key}": value
                    for key, value in (place | span).items()
                }
                start = end
    for file, part in enumerate((rows[:3], rows[3:])):
        path = folder / f"meta/episodes/chunk-000/file-{file:03d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(part), path)
    tasks = {"task_index": list(range(len(TASKS))), "__index_level_0__": list(TASKS)}
    pq.write_table(pa.table(tasks), folder / "meta/tasks.parquet")
