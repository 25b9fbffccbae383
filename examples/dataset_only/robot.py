"""A robot, and its recordings in LeRobot's format 2.1: `python robot.py FOLDER`.

The robot is simulated here in a few lines, only to have one.
"""

import io
import json
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

CUPS = {"Move to the red cup": (0.5, 0.2), "Move to the blue cup": (-0.4, 0.5)}
CAMERAS = {"top": (48, 64, 3), "wrist": (32, 32, 3)}
RATE, STEPS, FASTEST = 10, 25, 200.0  # Hz, steps of an episode, mm/s


class Robot:
    """A hand over a table, in metres, that is commanded in mm/s."""

    def __init__(self, seed: int):
        self.hand = np.random.default_rng(seed).uniform(-0.3, 0.3, 2)

    def observe(self) -> dict[str, np.ndarray]:
        """Position of the hand, and images in which it is a white square."""
        observed = {"state": self.hand.astype(np.float32)}
        for name, shape in CAMERAS.items():
            image = observed[f"images/{name}"] = np.full(shape, 40, np.uint8)
            row, column = ((self.hand + 1) / 2 * shape[:2]).astype(int)
            image[max(row - 4, 0) : row + 4, max(column - 4, 0) : column + 4] = 220
        return observed

    def move(self, command: np.ndarray) -> None:
        """Move for one period."""
        self.hand = self.hand + np.clip(command, -FASTEST, FASTEST) / 1000 / RATE


def cell(array: np.ndarray) -> list | dict:
    """Return an array as LeRobot's tables have it."""
    if array.dtype != np.uint8:
        return array.tolist()
    Image.fromarray(array).save(buffer := io.BytesIO(), "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def record(folder: pathlib.Path, episodes: int) -> None:
    """Record demonstrations of both tasks, the last fifth for evaluation."""
    (folder / "meta").mkdir(parents=True)
    (folder / "data").mkdir()
    tasks, lines = list(CUPS), []
    for episode in range(episodes):
        robot, rows, task = Robot(seed=episode), [], episode % len(tasks)
        for step in range(STEPS):
            row = {f"observation.{k}": v for k, v in robot.observe().items()}
            aim = 2000 * (CUPS[tasks[task]] - robot.hand)
            row["action"] = np.clip(aim, -FASTEST, FASTEST)
            rows.append({k.replace("/", "."): cell(v) for k, v in row.items()})
            rows[-1] |= {"timestamp": step / RATE, "episode_index": episode}
            rows[-1]["task_index"] = task
            robot.move(row["action"])
        pq.write_table(pa.Table.from_pylist(rows), folder / f"data/{episode}.parquet")
        lines.append({"episode_index": episode, "length": STEPS})
    pair = {"dtype": "float32", "shape": [2]}
    images = {n: {"dtype": "image", "shape": s} for n, s in CAMERAS.items()}
    train = episodes - episodes // 5
    info = {
        "codebase_version": "v2.1",
        "fps": RATE,
        "chunks_size": 1000,
        "data_path": "data/{episode_index}.parquet",
        "splits": {"train": f"0:{train}", "test": f"{train}:{episodes}"},
        "features": {
            **{f"observation.images.{n}": feature for n, feature in images.items()},
            "observation.state": pair | {"names": ["x", "y"]},
            "action": pair | {"names": ["x mm/s", "y mm/s"]},
            "timestamp": {"dtype": "float32", "shape": [1]},
        },
    }
    (folder / "meta/info.json").write_text(json.dumps(info))
    known = [{"task_index": i, "task": task} for i, task in enumerate(tasks)]
    for name, table in (("episodes", lines), ("tasks", known)):
        text = "\n".join(map(json.dumps, table))
        (folder / f"meta/{name}.jsonl").write_text(text)


if __name__ == "__main__":
    record(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50)
