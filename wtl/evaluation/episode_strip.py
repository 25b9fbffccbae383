"""Demonstration, trial and retrial of one scene, side by side."""

import dataclasses

import numpy as np

from wtl.collection.drawing import scene, svg
from wtl.datasets.contract.layout import Layout
from wtl.evaluation.camera_video import CameraVideo

_SECONDS = 3.0  # of each drawn episode; they play one after the other
_PAUSE = 1.5  # at the end of the loop
_VIDEO_SECONDS = 4.1  # of camera videos, which play together, in real time


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """Recording of one episode of a strip.

    Attributes:
      states: [T, S] states; None if there are only images.
      target: slot of the target in them.
      success: whether it succeeded; None for a demonstration.
      video: video of its camera, if there was one.
      by_human: whether a human acts.
    """

    states: np.ndarray | None
    target: int
    success: bool | None = None
    video: CameraVideo | None = None
    by_human: bool = False


@dataclasses.dataclass(frozen=True)
class StripEpisode:
    """One episode of a strip.

    Attributes:
      name: `Watch`, `Try` or `Learn`.
      outcome: description of the result.
      success: whether it succeeded; None for the demonstration.
      animation: SVG.
    """

    name: str
    outcome: str
    success: bool | None
    animation: str


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """Episodes of one scene.

    Attributes:
      instruction: sentence that describes the task.
      family: family of the task.
      task_id: the task.
      layout: of the states.
      demo: the demonstration.
      trial: the trial.
      retrial: the retrial.
    """

    instruction: str
    family: str
    task_id: str
    layout: Layout
    demo: Recording
    trial: Recording
    retrial: Recording

    @property
    def has_video(self) -> bool:
        """Whether there are camera videos."""
        return self.trial.video is not None

    @property
    def loop(self) -> float:
        """Seconds after which the animations start again."""
        return (_VIDEO_SECONDS if self.has_video else 3 * _SECONDS) + _PAUSE

    @property
    def episodes(self) -> list[StripEpisode]:
        """The three episodes as animations with captions."""
        recordings = {"Watch": self.demo, "Try": self.trial, "Learn": self.retrial}
        delay, seconds = (0, _VIDEO_SECONDS) if self.has_video else (_SECONDS, _SECONDS)
        return [
            self._episode(name, recording, svg.Clip(i * delay, seconds, self.loop))
            for i, (name, recording) in enumerate(recordings.items())
        ]

    def _episode(self, name: str, recording: Recording, clip) -> StripEpisode:
        states, target, success = recording.states, recording.target, recording.success
        slot = -1
        if states is not None:
            slot = int(self.layout.acted_slots(states[None])[0])
        if success is None:
            outcome = "human" if recording.by_human else "demonstration"
        elif success:
            outcome = "success"
        elif not self.layout.kinds:
            outcome = "failure"
        elif slot < 0:
            outcome = "nothing moved"
        else:
            outcome = "right target, failed" if slot == target else "wrong target"
        title = f"{name}: {outcome}"
        if recording.video is not None:
            drawn = recording.video.draw(title, clip)
        else:
            # Success is of the target, whatever else was moved on the way.
            crossed = None if success in (None, True) else slot
            drawn = scene.draw(states, self.layout, title, target, crossed, clip)
        return StripEpisode(name, outcome, success, drawn)
