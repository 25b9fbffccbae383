"""Layout of state observations: flat vectors with named rows and parts."""

import abc
import dataclasses
import functools
import math
import types
from collections.abc import Collection, Mapping
from typing import ClassVar

import numpy as np


def slices(fields: dict[str, int]) -> dict[str, slice]:
    """Return the slice of each named part of a row."""
    result, start = {}, 0
    for name, width in fields.items():
        result[name] = slice(start, start + width)
        start += width
    return result


@dataclasses.dataclass(frozen=True)
class Layout(abc.ABC):
    """Layout of a state vector in which there are `size` entities of each kind.

    An entity can be the target of a task. It stands in a slot, and has a `position`,
    whose first number orders places from the left, and an `rgb` unique in its kind.
    Where there are several ways of acting on an entity, a target is an entity acted on
    in one of them, and has a slot of its own.

    Attributes:
      size: number of entities of each kind.
      tables: name and width of the parts of each row, in order; rows by name, in order.
      kinds: names of the rows of entities, of which there are `size` each; slots are
        counted through in this order, those of a kind way by way.
      ways: number of ways of acting on an entity that targets tell apart.
      things: by row that does not describe the robot, the part that is a position.
      odd: by row and part, the numbers that change their sign in a mirror that swaps
        left and right.
      action_mirror: [A] factors of an action in the same mirror.
      deciding_steps: number of first steps of an episode in which it is decided where
        to go, and which are imitated more often; None where all steps count alike.
    """

    size: int
    tables: ClassVar[dict[str, dict[str, int]]]
    kinds: ClassVar[tuple[str, ...]]
    ways: ClassVar[int] = 1
    things: ClassVar[dict[str, str]]
    odd: ClassVar[dict[str, dict[str, list[int]]]]
    action_mirror: ClassVar[tuple[float, ...]]
    deciding_steps: ClassVar[int | None] = None

    @property
    def entities(self) -> int:
        """Number E of slots."""
        return len(self.kinds) * self.targets

    @property
    def training_options(self) -> dict[str, int]:
        """Options of a world by which its policies are trained in another way."""
        return {}

    @property
    def sets(self) -> dict[str, int]:
        """Names of the rows that are sets of vectors, with the sizes of the sets."""
        return dict.fromkeys(self.kinds, self.size)

    @property
    def coloured_sets(self) -> Collection[str]:
        """Names of the sets whose rows have colours, in fields that end with `rgb`."""
        return self.kinds

    @property
    def is_lit(self) -> bool:
        """Whether its colours are those of images, which depend on light."""
        return False

    @property
    def ordered_sets(self) -> Collection[str]:
        """Names of the sets whose k-th row is the same kind of thing in all scenes."""
        return ()

    @property
    def targets(self) -> int:
        """Number of targets of each kind."""
        return self.ways * self.size

    def entity_of(self, slot: int) -> int:
        """Return the number of the entity of a slot, counted through its rows."""
        return slot // self.targets * self.size + slot % self.size

    @property
    def state_size(self) -> int:
        """Length S of the state vector."""
        return sum(math.prod(shape) for _, shape in self.rows.values())

    @functools.cached_property
    def rows(self) -> dict[str, tuple[slice, tuple[int, ...]]]:
        """Slice and shape of each row."""
        widths = {name: sum(parts.values()) for name, parts in self.tables.items()}
        shapes = {
            name: (self.sets[name], width) if name in self.sets else (width,)
            for name, width in widths.items()
        }
        places = slices({name: math.prod(shape) for name, shape in shapes.items()})
        return {name: (places[name], shape) for name, shape in shapes.items()}

    def split(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """Return views of a [..., S] array by row: [..., W], of a set [..., N, W]."""
        return {
            name: state[..., place].reshape(state.shape[:-1] + shape)
            for name, (place, shape) in self.rows.items()
        }

    def positions(self) -> np.ndarray:
        """Return [S], 1 for coordinates of everything but the robot, else 0."""
        result = np.zeros(self.state_size, np.float32)
        rows = self.split(result)  # views
        for row, name in self.things.items():
            rows[row][..., slices(self.tables[row])[name]] = 1
        return result

    def mirror_signs(self) -> np.ndarray:
        """Return the factors [S] of a state vector in a mirror."""
        signs = np.ones(self.state_size, np.float32)
        rows = self.split(signs)  # views
        for row, parts in self.odd.items():
            for name, places in parts.items():
                start = slices(self.tables[row])[name].start
                for place in places:
                    rows[row][..., start + place] = -1
        return signs

    def inputs(
        self, observed: Mapping[str, np.ndarray], step: int
    ) -> Mapping[str, np.ndarray]:
        """Return N observations with those that policies are given among them.

        Args:
          observed: [N, ...] arrays by name, as environments observe them.
          step: number of the timestep.
        """
        del step
        return observed

    @property
    def vectors(self) -> dict[str, int]:
        """Names of the stored vectors that make a state, with their sizes."""
        return {"state": self.state_size}

    def observations(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the observations that inputs of a policy are made of."""
        return inputs

    @property
    @abc.abstractmethod
    def features(self) -> types.ModuleType:
        """Module that computes network inputs from states, see `wtl.policies.features`.

        It is imported when first asked for: it needs TensorFlow.
        """

    @property
    @abc.abstractmethod
    def drawing(self) -> types.ModuleType:
        """Module whose `scene` maps states and layout to the shapes of a drawing."""

    @abc.abstractmethod
    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """Return how far each entity was acted on; at most 1 means not at all.

        Args:
          states: [N, T, S] states; padding that repeats the last one does no harm.

        Returns:
          [N, E] scores by slot.
        """

    def acted_slots(self, states: np.ndarray) -> np.ndarray:
        """Infer the target of episodes: the entity that each of them acted on.

        No simulator is needed, so teleoperated and imported demonstrations are labelled
        in the same way as scripted ones.

        Args:
          states: [N, T, S] states; padding that repeats the last one does no harm.

        Returns:
          int32[N] slots, -1 where nothing was acted on.
        """
        score = self.acted_scores(states)
        slots = score.argmax(axis=1).astype(np.int32)
        return np.where(score.max(axis=1) > 1, slots, -1).astype(np.int32)

    def identities_and_places(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number the entities of each kind by their colours and by their places.

        Args:
          state: [N, S] first states.

        Returns:
          identities [N, E], the same for the same entity in all scenes of a task, and
          places [N, E] counted from the left.
        """
        rows = self.split(state)
        identities, places = [], []
        for name in self.kinds:
            where = slices(self.tables[name])
            x = rows[name][..., where["position"]][..., 0]
            # Colours of one set are well apart: any fixed projection tells them apart.
            colour = rows[name][..., where["rgb"]] @ np.array([1.0, 0.618, 0.382])
            identities.append(colour.argsort(axis=1).argsort(axis=1))
            places.append(x.argsort(axis=1).argsort(axis=1))
        return np.concatenate(identities, axis=1), np.concatenate(places, axis=1)
