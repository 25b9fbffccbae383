"""Layout of the observations of a world without entities: vectors in a row."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading import joining
from wtl.datasets.reading.store import EpisodeStore

POINTS = 2 * 16  # numbers that stand for an image
BLOBS = 16  # of an image that is a set
TIME = "time"  # number of the step
STEPS = 100.0  # by which it is divided
# Of a blob now, and at the first step.
_BLOB = {"place": 2, "rgb": 3, "form": 3}
_BLOB |= {f"first_{name}": length for name, length in _BLOB.items()}


@dataclasses.dataclass(frozen=True)
class PlainLayout(Layout):
    """Layout of a state that joins the vectors of an observation.

    A policy needs no entity to be selected, so the scene counts as the only one.

    Attributes:
      size: 1.
      parts: name and number of numbers of each vector, in order.
      set_sizes: name of each of them that is a set, with the size of the set.
      images: names of the cameras, whose points or blobs follow the vectors.
      image_sets: names of those whose images are sets of blobs.
      actions: number of dimensions of the action.
      deciding_steps: see the base class.
    """

    size: int = 1
    parts: tuple[tuple[str, int], ...] = ()
    set_sizes: tuple[tuple[str, int], ...] = ()
    images: tuple[str, ...] = ()
    image_sets: tuple[str, ...] = ()
    actions: int = 0
    deciding_steps: int | None = None

    kinds = ()
    things = {}
    odd = {}
    drawing = None

    @classmethod
    def of(cls, spec: EpisodeSpec, deciding_steps: int | None = None) -> "PlainLayout":
        """Return the layout of the joined vectors of episodes, see `joining.joined`.

        Raises:
          UserError: if one has the name of the number of the step.
        """
        parts = [(vector.name, vector.size) for vector in spec.vectors]
        if TIME in dict(parts):
            raise UserError(
                f"no observation may be called {TIME!r}, as the number of the step is: "
                "give it another name, such as 'seconds'"
            )
        if joining.is_joined([name for name, _ in parts]):
            parts.append((TIME, 1))
        return cls(
            parts=tuple(parts),
            set_sizes=tuple((o.name, o.shape[0]) for o in spec.vectors if o.is_set),
            images=tuple(camera.name for camera in spec.cameras),
            image_sets=tuple(camera.name for camera in spec.cameras if camera.is_set),
            actions=spec.action_size,
            deciding_steps=deciding_steps,
        )

    @classmethod
    def of_json(cls, tree: Mapping[str, Any]) -> "PlainLayout":
        """Return a layout from its fields, read from JSON."""
        # Policies saved by version 0.2.0 know no sets.
        parts, set_sizes = (
            tuple((name, size) for name, size in tree.get(field, ()))
            for field in ("parts", "set_sizes")
        )
        return cls(
            parts=parts,
            set_sizes=set_sizes,
            images=tuple(tree["images"]),
            image_sets=tuple(tree.get("image_sets", ())),
            actions=tree["actions"],
            deciding_steps=tree.get("deciding_steps"),
        )

    @property
    def tables(self) -> dict[str, dict[str, int]]:
        """See the base class."""
        found = {name: {name: n // self.sets.get(name, 1)} for name, n in self.parts}
        for name in self.images:
            if name in self.image_sets:
                found[f"{name} blobs"] = _BLOB
            else:
                found[f"{name} features"] = {name: POINTS}
        return found

    @property
    def proprioception_size(self) -> int:
        """P, numbers that are observed beside images: all but the features of these."""
        return sum(length for _, length in self.parts)

    def proprioception(self, state: np.ndarray, own: bool = True) -> np.ndarray:
        """Return the numbers observed beside images, [..., P], of stored states."""
        del own
        return state

    def inputs(
        self, observed: Mapping[str, np.ndarray], step: int
    ) -> dict[str, np.ndarray]:
        """See the base class; the vectors are joined."""
        vectors = {n: np.asarray(observed[n], np.float32) for n in self.vectors}
        count = len(next(iter(observed.values())))
        state = joining.joined(vectors, np.full(count, step))
        return {**observed, fields.STATE: state, fields.PROPRIOCEPTION: state}

    @property
    def action_mirror(self) -> tuple[float, ...]:
        """See the base class; nothing is known of a mirror, so nothing changes."""
        return (1.0,) * self.actions

    @property
    def entities(self) -> int:
        """See the base class: members of sets, 1 where there is no set."""
        return sum(self.sets.values()) or 1

    @property
    def training_options(self) -> dict[str, int]:
        """See the base class."""
        chosen = self.deciding_steps
        return {} if chosen is None else {"deciding_steps": chosen}

    @property
    def sets(self) -> dict[str, int]:
        """See the base class; they come in the order of the rows."""
        return dict(self.set_sizes) | dict.fromkeys(self.coloured_sets, BLOBS)

    @property
    def coloured_sets(self) -> list[str]:
        """See the base class: the blobs of images."""
        return [f"{name} blobs" for name in self.images if name in self.image_sets]

    @property
    def is_lit(self) -> bool:
        """See the base class."""
        return bool(self.image_sets)

    @property
    def ordered_sets(self) -> list[str]:
        """See the base class: each blob is found by filters of its own."""
        return self.coloured_sets

    @functools.cached_property
    def features(self):
        """See the base class."""
        from wtl.collection.worlds.plain.features import PlainFeatures

        return PlainFeatures(self.sets)

    def observations(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """See the base class."""
        return (*self.vectors, *self.images)

    @property
    def vectors(self) -> dict[str, int]:
        """See the base class."""
        return {name: size for name, size in self.parts if name != TIME}

    def normaliser(self, demos: EpisodeStore, spec: EpisodeSpec):
        """Return the `Normaliser` of states and actions.

        Vectors get mean 0 and standard deviation 1, those of a set together; features
        of images stay as they are. Actions are scaled by their limits or, where they
        have none, by the least and greatest of the demonstrations.

        Args:
          demos: demonstrations to train with, none that is held out.
          spec: of the demonstrations, which has the limits of actions.
        """
        from wtl.policies.normaliser import Normaliser

        step = np.arange(demos.state.shape[1])
        state = demos.state[step < demos.length[:, None]]
        action = demos.action[step < demos.length[:, None] - 1]
        mean, std = np.zeros(self.state_size), np.ones(self.state_size)
        size = self.proprioception_size
        mean[:size] = state.mean(axis=0, dtype=np.float64)
        std[:size] = state.std(axis=0, dtype=np.float64)
        for name, _ in self.set_sizes:
            place, shape = self.rows[name]
            members = state[:, place].reshape(-1, shape[1]).astype(np.float64)
            mean[place] = np.tile(members.mean(axis=0), shape[0])
            std[place] = np.tile(members.std(axis=0), shape[0])
        if self.parts and self.parts[-1][0] == TIME:
            mean[size - 1], std[size - 1] = 0, STEPS
        # What never changed in the demonstrations is left as it is.
        std = np.where(std > 1e-4, std, 1.0)
        low, high = (
            np.where(np.isfinite(limits), limits, extreme)
            for limits, extreme in (
                (spec.action_low or [-1.0] * self.actions, action.min(axis=0)),
                (spec.action_high or [1.0] * self.actions, action.max(axis=0)),
            )
        )
        # A dimension that never moves has no range to divide by.
        high = np.where(high - low > 1e-6, high, low + 1)
        values = (mean, std, low, high)
        return Normaliser(*(np.asarray(value, np.float32) for value in values))

    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """See the base class; every episode acts on its scene."""
        return np.full((len(states), 1), 2.0)

    def identities_and_places(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the base class."""
        return (np.zeros((len(state), 1), np.int64),) * 2
