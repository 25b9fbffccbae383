"""Belief of a policy before an attempt: which entity it would act on."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Task
from wtl.datasets.contract.layout import Layout, slices

# Referent rules that a demonstration does not tell apart, for people.
READINGS = {
    "identity": "the same thing, wherever it is",
    "position": "whatever is in the same place",
}


_LIKELY = 0.005


@dataclasses.dataclass(frozen=True, eq=False)
class Belief:
    """Probabilities of the targets that a policy may select in a scene.

    Attributes:
      weights: [E] by slot.
      state: [S] first state of the scene.
      layout: of the state.
      readings: slot that each reading of the demonstration selects, by its name; empty
        where the world has no such rules.
    """

    weights: np.ndarray
    state: np.ndarray
    layout: Layout
    readings: Mapping[str, int]

    @property
    def json(self) -> dict:
        """Entities from left to right with their weights, readings, and a drawing."""
        kinds = places(self.state, self.layout)
        every = [slot for kind in kinds for slot in kind]
        names = {slot: chr(ord("A") + i) for i, slot in enumerate(every)}
        # Of kinds that the policy does not consider, nothing is shown.
        likely = [k for k in kinds if self.weights[k].max() > _LIKELY] or kinds
        order = [slot for kind in likely for slot in kind]
        svg = ""
        if self.layout.drawing is not None:
            scene = self.layout.drawing.scene(
                self.state[None].astype(float), self.layout
            )
            heat = {slot: (names[slot], float(self.weights[slot])) for slot in order}
            svg = scene.weighed(heat)
        return {
            "entities": [
                {"name": names[slot], "weight": self._weight(slot)} for slot in order
            ],
            "readings": [
                {
                    "name": name,
                    "words": READINGS[name],
                    "entity": names[slot],
                    "weight": self._weight(slot),
                }
                for name, slot in self.readings.items()
            ],
            "drawing": svg,
        }

    def _weight(self, slot: int) -> float:
        return round(float(self.weights[slot]), 4)


def of_slots(
    weights: np.ndarray, state: np.ndarray, layout: Layout, by_place: bool
) -> np.ndarray:
    """Return weights [E] by slot, of those that image policies give by place."""
    if not by_place:
        return weights
    result = np.empty_like(weights)
    order = [slot for kind in places(state, layout) for slot in kind]
    result[order] = weights
    return result


def places(state: np.ndarray, layout: Layout) -> list[list[int]]:
    """Return the slots of each kind of entity in a state [S], from left to right."""
    rows, found = layout.split(state), []
    for number, kind in enumerate(layout.kinds):
        across = rows[kind][:, slices(layout.tables[kind])["position"].start]
        found.append([number * layout.size + int(i) for i in np.argsort(across)])
    return found


def readings(
    task: Task, demo_seed: int, demo_slot: int, scene_seed: int
) -> dict[str, int]:
    """Return the slot of the target in a scene under each reading of a demonstration.

    Args:
      task: the task.
      demo_seed: seed of the demonstrated scene.
      demo_slot: slot that the demonstration acted on.
      scene_seed: seed of the other scene.

    Returns:
      Slots by the names of `READINGS`; none in worlds without these rules.
    """
    entities = registry.get(task.domain).entities
    if entities is None or entities.draw_rule is not None:
        return {}
    found = {}
    for name in READINGS:
        rule = task.rule_of(demo_seed, demo_slot, by_identity=name == "identity")
        found[name] = task.scene(scene_seed, rule).slot
    return found
