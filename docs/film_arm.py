"""Record docs/arm.webp: demonstration, failed trial and retrial of a run with an arm.

PYTHONPATH=. python docs/film_arm.py RUN docs/arm.webp grasp stack

RUN is a run folder that has been evaluated, such as one of gin_configs/arm.gin. In the
film that is here, it holds policies of the quick start, which have never seen the arm.
"""

import pathlib
import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wtl.collection.worlds import registry
from wtl.collection.worlds.scene_renderer import ORBIT, Viewpoint
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.storage import location

_WORLD = "tabletop"
_PIXELS, _RENDERED = 320, 640  # height and width, shown and rendered
_CAPTION = 26  # pixels above the pictures
_EVERY = 2  # control steps from frame to frame
_FRAME_MS, _END_MS = 160, 1300
_PAPER, _INK = (246, 247, 248), (29, 35, 41)
_GOOD, _BAD = (24, 128, 72), (190, 52, 44)
_VIEW = Viewpoint(ORBIT)


def scenes(run: pathlib.Path, families: list[str]) -> Iterator[list[Episode]]:
    """Yield demonstration, failed trial and successful retrial, one of each family.

    Trial and retrial are in one scene.
    """
    evaluations = run / "datasets" / fields.WTL_EVALUATIONS
    played = {each.id: each for each in reader.iterate_episodes(evaluations)}
    demos = reader.EpisodesById(run / "datasets" / fields.WTL_DEMOS)
    for family in families:
        for retrial in played.values():
            about = retrial.metadata
            if about[fields.FAMILY] != family or not about[fields.SUCCESS]:
                continue
            trials = [played[name] for name in about[fields.PARENT_TRIAL_IDS]]
            if len(trials) != 1 or trials[0].metadata[fields.SUCCESS]:
                continue
            if trials[0].metadata[fields.SCENE_SEED] != about[fields.SCENE_SEED]:
                continue
            yield [demos[about[fields.PARENT_DEMO_IDS][0]], trials[0], retrial]
            break


def film(run: pathlib.Path, path: pathlib.Path, families: list[str]):
    """Render the scenes and write the film."""
    frames, durations = [], []
    specs = [
        schema.stored_spec(location.resolve(run / "datasets" / name))
        for name in (fields.WTL_DEMOS, *(fields.WTL_EVALUATIONS,) * 2)
    ]
    for episodes in scenes(run, families):
        captions = (
            (f"Demonstration: {episodes[0].metadata[fields.FAMILY]}", _INK),
            ("Trial: wrong", _BAD),
            ("Retrial: right", _GOOD),
        )
        columns = [
            _column(episode, spec, *caption)
            for episode, spec, caption in zip(episodes, specs, captions, strict=True)
        ]
        joined = np.concatenate(columns, axis=2)
        frames += [Image.fromarray(image) for image in joined]
        durations += [_FRAME_MS] * (len(joined) - 1) + [_END_MS]
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=55,
        method=3,
    )


def _column(episode: Episode, spec, caption: str, colour) -> np.ndarray:
    """Return captioned pictures of an episode, uint8[N, H, W, 3]."""
    states = episode.steps[fields.PHYSICS_STATE]
    images = registry.get(_WORLD).renderer.render(
        spec,
        episode.steps[fields.STATE][0],
        states,
        range(0, len(states), _EVERY),
        episode.metadata[fields.SCENE_SEED],
        _VIEW,
        _RENDERED,
    )
    result = []
    for image in images:
        picture = Image.new("RGB", (_PIXELS, _PIXELS + _CAPTION), _PAPER)
        small = Image.fromarray(image).resize((_PIXELS,) * 2, Image.Resampling.LANCZOS)
        picture.paste(small, (0, _CAPTION))
        font = ImageFont.load_default(size=15)
        ImageDraw.Draw(picture).text((8, 4), caption, fill=colour, font=font)
        result.append(np.asarray(picture))
    return np.stack(result)


if __name__ == "__main__":
    film(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
