"""Demonstration, trial and retrial of one scene, side by side."""

import dataclasses

import numpy as np

from datasets import acted
from wtl.envs import families, observation
from wtl.evaluation import filmstrip, svg

_SECONDS = 3.0  # each episode plays
_PAUSE = 1.5  # at the end of the loop


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """What is shown of one scene.

    Attributes:
      family: family of the task.
      rule: its rule, `identity:1` or `position:0`.
      task_id: the task.
      demo_states: [T, S] states of the demonstration.
      trial_states: [T, S] states of the trial.
      retrial_states: [T, S] states of the retrial.
      demo_target: slot of the target in the demonstration.
      target: slot of the target in trial and retrial.
      trial_success: whether the trial succeeded.
      retrial_success: whether the retrial did.
    """

    family: str
    rule: str
    task_id: str
    demo_states: np.ndarray
    trial_states: np.ndarray
    retrial_states: np.ndarray
    demo_target: int
    target: int
    trial_success: bool
    retrial_success: bool

    @property
    def layout(self) -> observation.Layout:
        """Layout of the states, told from their width."""
        rest = observation.width(observation.GRIPPER)
        rest += observation.width(observation.FIXTURES)
        each = observation.width(observation.OBJECT)
        each += observation.width(observation.BUTTON)
        return observation.Layout((self.demo_states.shape[-1] - rest) // each)

    @property
    def instruction(self) -> str:
        """What is to be done, as the task means it, in a sentence."""
        kind, _, index = self.rule.partition(":")
        family = families.FAMILIES.get(self.family)
        thing = "button" if family and family.on_buttons else "object"
        target = f"that very {thing}"
        if kind == "position":
            target = f"the {_place(int(index), self.layout.size)} {thing}"
        if family is None:
            return f"{self.family}: {target}."
        return family.instruction.format(target=target)

    @property
    def takes(self) -> list["Take"]:
        """The three episodes as pictures with their captions."""
        episodes = (
            ("Watch", self.demo_states, self.demo_target, None),
            ("Try", self.trial_states, self.target, self.trial_success),
            ("Learn", self.retrial_states, self.target, self.retrial_success),
        )
        total = len(episodes) * _SECONDS + _PAUSE
        return [
            self._take(
                name, states, target, success, svg.Clip(i * _SECONDS, _SECONDS, total)
            )
            for i, (name, states, target, success) in enumerate(episodes)
        ]

    def _take(self, name, states, target, success, clip) -> "Take":
        slot = int(acted.acted_slots(np.asarray(states)[None], self.layout)[0])
        if success is None:
            outcome = "a demo"
        elif success:
            outcome = "right"
        elif slot < 0:
            outcome = "touched nothing"
        else:
            outcome = "right one, but missed" if slot == target else "wrong one"
        said = f"{name}: {outcome}"
        # Success is of the target, whatever else was touched on the way.
        crossed = None if success in (None, True) else slot
        picture = filmstrip.draw(states, self.layout, said, target, crossed, clip)
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
