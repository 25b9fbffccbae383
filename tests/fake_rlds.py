"""A TFDS dataset in RLDS form that knows nothing of ours."""

import numpy as np
import tensorflow_datasets as tfds


class Rich(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Two cameras, an action in parts, and features that no array can hold."""

    VERSION = tfds.core.Version("0.1.0")
    name = "rich_robot"

    def _info(self):
        f = tfds.features
        step = {
            "observation": {
                "front": f.Image(shape=(256, 320, 3), encoding_format="jpeg"),
                "hand": {"rgb": f.Image(shape=(24, 16, 3)), "force": np.float64},
                "joints": f.Tensor(shape=(7,), dtype=np.float32),
                "objects": f.Tensor(shape=(4, 2), dtype=np.float32),
                "natural_language_embedding": f.Sequence(np.float32),
                "caption": f.Text(),
            },
            "action": {
                "rotation": f.Tensor(shape=(3,), dtype=np.float32),
                "closed": np.bool_,
                "move": f.Tensor(shape=(2,), dtype=np.float32),
                "comment": f.Text(),
            },
            "stack": f.Sequence(f.Image(shape=(8, 8, 3))),
            "discount": np.float32,
            "language_instruction": f.Text(),
            **{name: np.bool_ for name in ("is_first", "is_last", "is_terminal")},
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=f.FeaturesDict({"steps": f.Dataset(step)}),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {"train": self._generate_examples(0), "val": self._generate_examples(3)}

    def _generate_examples(self, start):
        for number, steps in enumerate((5, 0, 1, 7), start):
            rng = np.random.default_rng(number)
            yield number, {"steps": [step(rng, t, steps) for t in range(steps)]}


def step(rng: np.random.Generator, step: int, steps: int) -> dict:
    """Return a step of an episode of `steps`."""
    return {
        "observation": {
            "front": np.full((256, 320, 3), 30 * step, np.uint8),
            "hand": {
                "rgb": rng.integers(0, 256, (24, 16, 3), np.uint8),
                "force": rng.normal(),
            },
            "joints": rng.normal(size=7).astype("f4"),
            "objects": rng.normal(size=(4, 2)).astype("f4"),
            "natural_language_embedding": np.zeros(step, "f4"),
            "caption": "",
        },
        "action": {
            "rotation": rng.uniform(-180, 180, 3).astype("f4"),
            "closed": bool(step % 2),
            "move": rng.normal(size=2).astype("f4"),
            "comment": "",
        },
        "stack": [np.zeros((8, 8, 3), np.uint8)] * step,
        "discount": 1.0,
        "language_instruction": "Open the drawer",
        "is_first": step == 0,
        "is_last": step == steps - 1,
        "is_terminal": step == steps - 1,
    }
