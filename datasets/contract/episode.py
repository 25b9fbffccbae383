"""An episode: the unit that every stage of the pipeline produces and consumes."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract import fields, metadata, numbers
from wtl.datasets.contract.observation import Observation
from wtl.datasets.format import images

# Public here because producers of episodes need it together with `Episode`.
episode_id = metadata.episode_id

# Actions are clipped by their producers; this is only rounding.
_ACTION_TOLERANCE = 1e-6


class EpisodeError(ValueError):
    """An episode breaks the schema."""


@dataclasses.dataclass(frozen=True)
class EpisodeSpec:
    """Fields of an episode and their sizes; a field of size 0 is absent.

    Attributes:
      observations: observations of a step, in the order of their names.
      action_size: A, numbers in an action; 0 in videos, which have no rewards either.
      physics_size: P, numbers in MuJoCo's full integration state.
      image_encoding: how images are stored, a key of
        `wtl.datasets.format.images.ENCODINGS`.
      interventions: whether steps record if a person took over from a policy.
      gains_size: numbers in the hidden actuator gains of the task.
      dynamics_size: numbers in the hidden object dynamics of the task.
      action_low: least value of each dimension of the action, -inf if it has no limit;
        empty where all actions are fractions in [-1, 1].
      action_high: greatest values likewise.
      action_names: names of the dimensions of the action; empty if unknown.
      instruction: whether episodes have a language instruction.

    Raises:
      ValueError: if nothing is observed, or sizes are negative or contradict each
        other.
    """

    observations: tuple[Observation, ...]
    action_size: int = 0
    physics_size: int = 0
    image_encoding: str = images.PNG
    interventions: bool = False
    gains_size: int = 0
    dynamics_size: int = 0
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    action_names: tuple[str, ...] = ()
    instruction: bool = False

    def __post_init__(self):
        ordered = tuple(sorted(self.observations, key=lambda o: o.name))
        object.__setattr__(self, "observations", ordered)
        sizes = (self.action_size, self.physics_size)
        if min(*sizes, self.gains_size, self.dynamics_size) < 0:
            raise ValueError(f"{self} has a negative size")
        if not self.observations:
            raise ValueError(f"{self} observes nothing")
        names = [o.name for o in ordered]
        for name in names:
            if names.count(name) > 1 or any(n.startswith(f"{name}/") for n in names):
                raise ValueError(f"two observations are called {name!r}")
        for what in ("action_low", "action_high", "action_names"):
            count = len(getattr(self, what))
            if count not in (0, self.action_size):
                raise ValueError(
                    f"{what} has {count} values for {self.action_size} dimensions"
                )

    def observation(self, name: str) -> Observation | None:
        """Return an observation by its name; None if there is none."""
        return next((o for o in self.observations if o.name == name), None)

    @property
    def state_size(self) -> int:
        """S, numbers in the vector `state`; 0 if there is none."""
        found = self.observation(fields.STATE)
        return found.size if found else 0

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the dimensions of the action, numbered if they are unknown."""
        numbered = (f"action {i}" for i in range(self.action_size))
        return self.action_names or tuple(numbered)

    @property
    def cameras(self) -> tuple[Observation, ...]:
        """Observations that are images."""
        return tuple(o for o in self.observations if o.is_image)

    @property
    def vectors(self) -> tuple[Observation, ...]:
        """Observations of numbers."""
        return tuple(o for o in self.observations if not o.is_image)

    @property
    def optional_metadata(self) -> dict[str, int | None]:
        """Optional metadata fields that are present, with the sizes of vectors."""
        sizes = {
            fields.HIDDEN_GAINS: self.gains_size,
            fields.HIDDEN_PUCK: self.dynamics_size,
        }
        found = {name: size for name, size in sizes.items() if size}
        return found | ({fields.INSTRUCTION: None} if self.instruction else {})

    def difference(self, other: "EpisodeSpec") -> tuple[str, Any, Any] | None:
        """Return name and both values of the first field that differs, or None."""
        for one in {o.name: o for o in (*self.observations, *other.observations)}:
            values = self.observation(one), other.observation(one)
            if values[0] != values[1]:
                return f"observation {one!r}:", *(v or "none" for v in values)
        for field in dataclasses.fields(self):
            values = getattr(self, field.name), getattr(other, field.name)
            if values[0] != values[1]:
                return field.name, *values
        return None

    def step_arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape (without the time axis) and dtype of each step field."""
        f32, f64, flag = np.dtype("<f4"), np.dtype("<f8"), np.dtype(bool)
        observed = {
            o.name: (o.shape, np.dtype(np.uint8) if o.is_image else f32)
            for o in self.observations
        }
        acts, physics = self.action_size, self.physics_size
        every = {
            fields.ACTION: (acts, ((acts,), f32)),
            fields.REWARD: (acts, ((), f32)),
            fields.DISCOUNT: (acts, ((), f32)),
            fields.IS_FIRST: (True, ((), flag)),
            fields.IS_LAST: (True, ((), flag)),
            fields.IS_TERMINAL: (True, ((), flag)),
            fields.IS_INTERVENTION: (self.interventions, ((), flag)),
            fields.PHYSICS_STATE: (physics, ((physics,), f64)),
            fields.TIMESTAMP: (True, ((), f32)),
        }
        return observed | {
            name: array for name, (present, array) in every.items() if present
        }


@dataclasses.dataclass(frozen=True, repr=False)
class Episode:
    """T transitions as T+1 aligned timesteps, with metadata.

    Attributes:
      steps: arrays stacked over timesteps, [T+1, ...] each. Step t holds the
        observation o_t, the action a_t taken at it and the reward r_t that
        followed; the last step's action and reward are zeros (RLDS). Videos have
        neither.
      metadata: value by field name, with `hidden/…` names flat.
    """

    steps: Mapping[str, np.ndarray]
    metadata: Mapping[str, Any]

    @classmethod
    def build(
        cls,
        *,
        observations: Mapping[str, np.ndarray],
        action: np.ndarray | None = None,
        reward: np.ndarray | None = None,
        physics_state: np.ndarray | None = None,
        terminal: bool = False,
        timestamp: np.ndarray | None = None,
        intervention: np.ndarray | None = None,
        **given: Any,
    ) -> "Episode":
        """Build an episode of T transitions, deriving flags and times.

        Args:
          observations: [T+1, ...] observations by name; uint8 arrays are images, all
            others become float32.
          action: [T, A] actions; none in a video.
          reward: [T] rewards that followed the actions; given with them.
          physics_state: [T+1, P] MuJoCo integration states, if simulated.
          terminal: whether the last state is terminal rather than cut off by
            the horizon.
          timestamp: [T+1] times in seconds; by default multiples of the control
            period.
          intervention: [T] whether a person took the action in place of the acting
            policy, if that is recorded.
          **given: metadata by name; `hidden/target` is given as
            `hidden_target`, and likewise its siblings.

        Raises:
          EpisodeError: if a required metadata field is missing or unknown, if
            nothing is observed, if actions come without rewards, or if numbers would
            lose by their conversion.
        """
        for name in metadata.METADATA:
            keyword = name.replace("/", "_")
            if keyword in given:
                given[name] = given.pop(keyword)
        if not observations:
            raise EpisodeError("an episode needs observations")
        if (action is None) != (reward is None):
            raise EpisodeError("an episode has actions and rewards, or neither")
        length = len(next(iter(observations.values())))
        try:
            known = metadata.complete(given)
            observed = {n: _observed(n, array) for n, array in observations.items()}
            if action is not None:
                action = _with_zero_step(numbers.float32(fields.ACTION, action))
                reward = _with_zero_step(numbers.float32(fields.REWARD, reward))
            if physics_state is not None:
                physics_state = np.asarray(physics_state)
                numbers.require_real(fields.PHYSICS_STATE, physics_state)
        except ValueError as error:
            raise EpisodeError(f"an episode cannot be built: {error}") from None
        if timestamp is None:
            timestamp = np.arange(length) / known[fields.CONTROL_HZ]
        is_last = np.arange(length) == length - 1
        steps = {
            fields.IS_FIRST: np.arange(length) == 0,
            fields.IS_LAST: is_last,
            fields.IS_TERMINAL: is_last & bool(terminal),
            fields.TIMESTAMP: np.asarray(timestamp, np.float32),
        }
        if action is not None:
            steps |= {fields.ACTION: action, fields.REWARD: reward}
            # Of the last transition, and of the dummy step after it.
            discount = np.ones(length, np.float32)
            discount[-2:] = 0.0 if terminal else 1.0
            steps[fields.DISCOUNT] = discount
        if intervention is not None:
            steps[fields.IS_INTERVENTION] = np.append(intervention, False).astype(bool)
        if physics_state is not None:
            steps[fields.PHYSICS_STATE] = physics_state.astype(np.float64)
        return cls(steps=steps | observed, metadata=known)

    @property
    def id(self) -> str:
        """Unique name of the episode."""
        return self.metadata[fields.EPISODE_ID]

    def unassisted(self) -> "Episode":
        """Return the episode with a record that no person intervened."""
        never = np.zeros(len(self), bool)
        return dataclasses.replace(
            self, steps={fields.IS_INTERVENTION: never} | dict(self.steps)
        )

    def __repr__(self) -> str:
        names = ", ".join(self.steps)
        return f"Episode {self.id}: {len(self)} timesteps of {names}"

    def __len__(self) -> int:
        """Number of timesteps, T+1."""
        return len(self.steps[fields.TIMESTAMP])


def validate(episode: Episode, spec: EpisodeSpec) -> None:
    """Check an episode against the schema.

    Raises:
      EpisodeError: with one sentence that names the episode and the fault.
    """
    problem = fault(episode, spec)
    if problem:
        name = episode.metadata.get(fields.EPISODE_ID, "without id")
        raise EpisodeError(f"episode {name}: {problem}")


def fault(episode: Episode, spec: EpisodeSpec) -> str | None:
    """Return the fault of an episode as one clause, or None."""
    return (
        metadata.fault(episode.metadata, spec.optional_metadata)
        or _shape_fault(episode.steps, spec)
        or next(_value_faults(episode.steps, spec), None)
    )


def _observed(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    return array if array.dtype == np.uint8 else numbers.float32(name, array)


def _with_zero_step(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, np.zeros((1, *array.shape[1:]), np.float32)])


def _shape_fault(steps: Mapping[str, np.ndarray], spec: EpisodeSpec) -> str | None:
    expected = spec.step_arrays()
    for name in steps:
        if name not in expected:
            return f"unknown step field {name!r}"
    length = None
    for name, (shape, dtype) in expected.items():
        if name not in steps:
            return f"step field {name!r} is missing"
        array = steps[name]
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            kind = getattr(array, "dtype", type(array).__name__)
            return f"step field {name!r} must be {dtype.name}, not {kind}"
        if length is None and array.ndim:
            length = len(array)
        if array.shape != (length, *shape):
            return (
                f"step field {name!r} has shape {list(array.shape)} "
                f"instead of {[length, *shape]}"
            )
    if length < 2:
        return "there is no transition: at least 2 timesteps are needed"
    return None


def _value_faults(steps: Mapping[str, np.ndarray], spec: EpisodeSpec) -> Iterator[str]:
    for name, array in steps.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            step = int(np.argwhere(~np.isfinite(array))[0][0])
            yield f"step field {name!r} is not finite at step {step}"
    ascends = np.diff(steps[fields.TIMESTAMP]) > 0
    if not ascends.all():
        yield f"timestamps do not ascend at step {ascends.argmin() + 1}"
    if fields.ACTION in steps:
        action, discount = steps[fields.ACTION], steps[fields.DISCOUNT]
        low = np.array(spec.action_low or [-1.0] * spec.action_size)
        high = np.array(spec.action_high or [1.0] * spec.action_size)
        slack = _ACTION_TOLERANCE * np.maximum(1, np.abs([low, high]))
        outside = (action < low - slack[0]) | (action > high + slack[1])
        for step, axis in np.argwhere(outside[:-1]):
            yield (
                f"action {action[step, axis]:g} on axis {axis} at step {step} "
                f"is outside [{low[axis]:g}, {high[axis]:g}]"
            )
        if action[-1].any():
            yield "the last step's action is not zeros"
        if discount.min() < 0 or discount.max() > 1:
            yield "a discount is outside [0, 1]"
    first, last = steps[fields.IS_FIRST], steps[fields.IS_LAST]
    if not first[0] or first[1:].any():
        yield "is_first must be true at the first step and nowhere else"
    if not last[-1] or last[:-1].any():
        yield "is_last must be true at the last step and nowhere else"
    if steps[fields.IS_TERMINAL][:-1].any():
        yield "is_terminal is true before the last step"
