"""Demonstration, trial and retrial of one scene, side by side."""

import dataclasses

import numpy as np

from wtl.collection.drawing import svg
from wtl.collection.worlds.entities.family import Family
from wtl.datasets.contract.layout import Layout
from wtl.datasets.sampling import inferred_target
from wtl.evaluation import camera_video as footages
from wtl.evaluation import picture as pictures

_SECONDS = 3.0  # each episode plays, one after the other
_PAUSE = 1.5  # at the end of the loop
_FOOTAGE_SECONDS = 4.1  # all episodes play together; as long as they took


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """What is known of one episode of a strip.

    Attributes:
      states: [T, S] states; None of a video that came without.
      target: slot of the target in them.
      success: whether it succeeded; None for a demonstration.
      footage: what its camera saw, if it had one.
      by_human: whether a human acts.
    """

    states: np.ndarray | None
    target: int
    success: bool | None = None
    footage: footages.Footage | None = None
    by_human: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """What is shown of one scene.

    Attributes:
      family: family of the task.
      rule: its rule, `identity:1` or `position:0`.
      task_id: the task.
      layout: of the states.
      demo: the demonstration.
      trial: the trial.
      retrial: the retrial.
      goal: the family, where it is known.
    """

    family: str
    rule: str
    task_id: str
    layout: Layout
    demo: Recording
    trial: Recording
    retrial: Recording
    goal: Family | None = None

    @property
    def instruction(self) -> str:
        """What is to be done, as the task means it, in a sentence."""
        kind, _, index = self.rule.partition(":")
        family = self.goal
        thing = family.noun if family else "object"
        target = f"that very {thing}"
        if kind == "position":
            target = f"the {_place(int(index), self.layout.size)} {thing}"
        if family is None:
            return f"{self.family}: {target}."
        return family.instruction.format(target=target)

    @property
    def has_footage(self) -> bool:
        """Whether a camera saw the episodes."""
        return self.trial.footage is not None

    @property
    def loop(self) -> float:
        """Seconds after which the pictures begin again."""
        return (_FOOTAGE_SECONDS if self.has_footage else 3 * _SECONDS) + _PAUSE

    @property
    def takes(self) -> list["Take"]:
        """The three episodes as pictures with their captions."""
        recordings = {"Watch": self.demo, "Try": self.trial, "Learn": self.retrial}
        return [
            self._take(
                name,
                recording,
                svg.Clip(0, _FOOTAGE_SECONDS, self.loop)
                if self.has_footage
                else svg.Clip(i * _SECONDS, _SECONDS, self.loop),
            )
            for i, (name, recording) in enumerate(recordings.items())
        ]

    def _take(self, name: str, recording: Recording, clip: svg.Clip) -> "Take":
        target, success = recording.target, recording.success
        slot = -1
        if recording.states is not None:
            slot = int(
                inferred_target.acted_slots(recording.states[None], self.layout)[0]
            )
        if success is None:
            outcome = "a human" if recording.by_human else "a demo"
        elif success:
            outcome = "right"
        elif slot < 0:
            outcome = "touched nothing"
        else:
            outcome = "right one, but missed" if slot == target else "wrong one"
        said = f"{name}: {outcome}"
        if recording.footage is not None:
            picture = footages.draw(recording.footage, said, clip)
        else:
            # Success is of the target, whatever else was touched on the way.
            crossed = None if success in (None, True) else slot
            picture = pictures.draw(
                recording.states, self.layout, said, target, crossed, clip
            )
        return Take(name, outcome, success, picture)


@dataclasses.dataclass(frozen=True)
class Take:
    """One picture of a strip.

    Attributes:
      name: `Watch`, `Try` or `Learn`.
      outcome: how it went, in words.
      success: whether it succeeded; None for the demonstration.
      picture: SVG.
    """

    name: str
    outcome: str
    success: bool | None
    picture: str


def _place(index: int, size: int) -> str:
    if index == 0:
        return "leftmost"
    if index == size - 1:
        return "rightmost"
    return "middle" if 2 * index == size - 1 else f"{index + 1}th from the left"
