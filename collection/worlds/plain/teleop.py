"""Teleoperation of worlds without entities, by a declaration of their controls."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from wtl.collection.teleop.animation import Animation
from wtl.collection.teleop.interface import Command
from wtl.collection.worlds.plain.controls import Controls
from wtl.collection.worlds.plain.environment import PlainEnvironment, as_rgb, flat
from wtl.collection.worlds.plain.task import PlainScene
from wtl.datasets.contract.episode import Episode, EpisodeSpec

PIXELS = 480  # of each view
_QUALITY = 85
_LINE = 20  # pixels
_BACKGROUND = (24, 26, 30)

Observation = Mapping[str, np.ndarray]


class PlainTeleop:
    """Rates of the declared axes; all other dimensions of the action rest.

    See `wtl.collection.teleop.interface.Teleop`.
    """

    def __init__(self, controls: Controls, spec: EpisodeSpec):
        """Check the controls against the spec of the world's episodes.

        Raises:
          ValueError: if they do not fit.
        """
        controls.check(spec)
        self._spec = spec
        self._cameras = controls.cameras or [c.name for c in spec.cameras[:2]]
        self._low, self._high = np.array(spec.action_low), np.array(spec.action_high)
        self._rest = np.array(controls.rest or (self._low + self._high) / 2)
        self._driven = [axis.dimension for axis in controls.axes]
        self._latch = controls.latch
        self.first_latch = 0.0
        if self._latch:
            self.first_latch = 1.0 if self._latch.high else -1.0
        self.latch_steps = self._latch.steps if self._latch else 0
        captions = [*self._cameras, "numbers" if spec.vectors else "", ""][:2]
        self.controls = controls.json() | {"captions": captions, "drag": False}

    def instruction(self, scene: PlainScene) -> str:
        """See `Teleop`: that of the task, or its family and parameters."""
        task = scene.task
        known = (f"{name} = {value}" for name, value in task.parameters.items())
        return task.instruction or ", ".join((task.family, *known))

    def target(self, env: PlainEnvironment) -> None:
        """See `Teleop`; there is none."""

    def achieved(self, env: PlainEnvironment) -> bool:
        """See `Teleop`."""
        return env.succeeded()

    def is_clear(self, env: PlainEnvironment, episode: Episode) -> bool:
        """See `Teleop`; a task has one target."""
        del env, episode
        return True

    def rates(self, env: PlainEnvironment, command: Command) -> np.ndarray:
        """See `Teleop`."""
        del env
        return np.array(command.axes or (0.0,) * len(self._driven))

    def action(
        self, env: PlainEnvironment, rates: np.ndarray, latch: float
    ) -> np.ndarray:
        """See `Teleop`."""
        del env
        action = self._rest.copy()
        rest, low, high = (
            limit[self._driven] for limit in (self._rest, self._low, self._high)
        )
        action[self._driven] += rates * np.where(rates > 0, high - rest, rest - low)
        if self._latch:
            of = self._latch.dimension
            share = (latch + 1) / 2
            action[of] = self._low[of] + share * (self._high[of] - self._low[of])
        return action

    def latch(self, action: np.ndarray) -> float:
        """See `Teleop`."""
        if not self._latch:
            return self.first_latch
        of = self._latch.dimension
        share = (action[of] - self._low[of]) / (self._high[of] - self._low[of])
        return float(np.clip(2 * share - 1, -1, 1))

    def moves(self, actions: np.ndarray) -> np.ndarray:
        """See `Teleop`; any step may matter, as things may move by themselves."""
        return np.ones(len(actions), bool)

    def hold(self, action: np.ndarray) -> np.ndarray:
        """See `Teleop`."""
        held = self._rest.copy()
        if self._latch:
            held[self._latch.dimension] = action[self._latch.dimension]
        return held

    def demonstration(self, episode: Episode) -> Sequence[Observation]:
        """See `Teleop`: its observations."""
        names = [o.name for o in self._spec.observations]
        return [{n: episode.steps[n][t] for n in names} for t in range(len(episode))]

    def animation(self, env: PlainEnvironment) -> "PlainAnimation":
        """See `Teleop`."""
        return PlainAnimation(env)

    def pictures(self, size: int) -> "PlainPictures":
        """See `Teleop`."""
        del size
        return PlainPictures(self._cameras, [o.name for o in self._spec.vectors])


class PlainAnimation(Animation):
    """Observation after observation, without motion in between."""

    def __init__(self, env: PlainEnvironment):
        """Show an environment."""
        super().__init__()
        self._env = env

    def leave(self, now: float):
        """See the base class."""

    def _present(self, now: float, period: float) -> Observation:
        return flat(self._env.timestep.observation)


class PlainPictures:
    """Images of one or two cameras, and the observed numbers in place of a second."""

    def __init__(self, cameras: Sequence[str], vectors: Sequence[str]):
        """Show observations of some names."""
        self._cameras, self._vectors = cameras, vectors

    def make(self, env: PlainEnvironment, state: Observation, target: None) -> bytes:
        """See `wtl.collection.teleop.interface.Pictures`."""
        del env, target
        views = []
        for name in self._cameras:
            image, size = Image.fromarray(as_rgb(state[name])), (PIXELS, PIXELS)
            # A box filter repeats pixels where it enlarges.
            views.append(ImageOps.pad(image, size, Image.Resampling.BOX, _BACKGROUND))
        views += [self._numbers(state)] * (len(views) < 2)
        both = Image.new("RGB", (2 * PIXELS, PIXELS), _BACKGROUND)
        for i, view in enumerate(views):
            both.paste(view, (i * PIXELS, 0))
        buffer = io.BytesIO()
        both.save(buffer, "JPEG", quality=_QUALITY)
        return buffer.getvalue()

    def _numbers(self, state: Observation) -> Image.Image:
        view = Image.new("RGB", (PIXELS, PIXELS), _BACKGROUND)
        lines = []
        for name in self._vectors:
            rows = np.atleast_2d(state[name]).astype(float)
            rows = rows.reshape(-1, rows.shape[-1])
            lines += [name, *("  ".join(f"{x:8.3f}" for x in row) for row in rows)]
        font = ImageFont.load_default(_LINE - 5)
        text = "\n".join(lines[: PIXELS // _LINE - 1])
        ImageDraw.Draw(view).text((_LINE / 2, _LINE / 2), text, "white", font)
        return view
