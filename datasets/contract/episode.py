"""An episode: the unit that every stage of the pipeline produces and consumes."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wtl.datasets.contract import fields, metadata
from wtl.datasets.format import images

# Public here because producers of episodes need it together with `Episode`.
episode_id = metadata.episode_id

# Actions are clipped by their producers; this is only rounding.
_ACTION_TOLERANCE = 1e-6


class EpisodeError(ValueError):
    """An episode breaks the schema."""


@dataclasses.dataclass(frozen=True)
class EpisodeSpec:
    """Sizes of the fields of an episode; a field of size 0 is absent.

    Attributes:
      state_size: S, numbers in the observed state.
      action_size: A, numbers in an action; 0 in videos, which have no rewards either.
      physics_size: P, numbers in MuJoCo's full integration state.
      image_pixels: H and W of the square images.
      image_encoding: how images are stored, a key of
        `wtl.datasets.format.images.ENCODINGS`.
      wrist_image: whether there is a second image, of a camera on the robot's wrist.
      interventions: whether steps record if a person took over from a policy.
      gains_size: numbers in the hidden actuator gains of the task.
      dynamics_size: numbers in the hidden object dynamics of the task.

    Raises:
      ValueError: if nothing is observed, or a size is negative.
    """

    state_size: int
    action_size: int
    physics_size: int
    image_pixels: int = 0
    image_encoding: str = images.PNG
    wrist_image: bool = False
    interventions: bool = False
    gains_size: int = 0
    dynamics_size: int = 0

    def __post_init__(self):
        vectors = (self.state_size, self.action_size, self.physics_size)
        hidden = (self.gains_size, self.dynamics_size)
        if min(*vectors, *hidden, self.image_pixels) < 0:
            raise ValueError(f"{self} has a negative size")
        if not self.state_size and not self.image_pixels:
            raise ValueError(f"{self} observes neither a state nor an image")
        if self.wrist_image and not self.image_pixels:
            raise ValueError(f"{self} has images of no size")

    @property
    def metadata_vectors(self) -> dict[str, int]:
        """Sizes of the metadata vectors that are present."""
        sizes = {
            fields.HIDDEN_GAINS: self.gains_size,
            fields.HIDDEN_PUCK: self.dynamics_size,
        }
        return {name: size for name, size in sizes.items() if size}

    def difference(self, other: "EpisodeSpec") -> tuple[str, Any, Any] | None:
        """Return name and both values of the first field that differs, or None."""
        for field in dataclasses.fields(self):
            values = getattr(self, field.name), getattr(other, field.name)
            if values[0] != values[1]:
                return field.name, *values
        return None

    def step_arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape (without the time axis) and dtype of each step field."""
        f32, f64, flag = np.dtype("<f4"), np.dtype("<f8"), np.dtype(bool)
        side = self.image_pixels
        image = ((side, side, 3), np.dtype(np.uint8))
        acts, state, physics = self.action_size, self.state_size, self.physics_size
        every = {
            fields.IMAGE: (side, image),
            fields.WRIST_IMAGE: (self.wrist_image, image),
            fields.STATE: (state, ((state,), f32)),
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
        return {name: array for name, (present, array) in every.items() if present}


@dataclasses.dataclass(frozen=True)
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
        state: np.ndarray | None = None,
        action: np.ndarray | None = None,
        reward: np.ndarray | None = None,
        physics_state: np.ndarray | None = None,
        terminal: bool = False,
        timestamp: np.ndarray | None = None,
        image: np.ndarray | None = None,
        wrist_image: np.ndarray | None = None,
        intervention: np.ndarray | None = None,
        **given: Any,
    ) -> "Episode":
        """Build an episode of T transitions, deriving flags and times.

        Args:
          state: [T+1, S] observed states, if known.
          action: [T, A] actions in [-1, 1]; none in a video.
          reward: [T] rewards that followed the actions; given with them.
          physics_state: [T+1, P] MuJoCo integration states, if simulated.
          terminal: whether the last state is terminal rather than cut off by
            the horizon.
          timestamp: [T+1] times in seconds; by default multiples of the control
            period.
          image: [T+1, H, W, 3] uint8 images, if there is a camera.
          wrist_image: likewise of the wrist camera.
          intervention: [T] whether a person took the action in place of the acting
            policy, if that is recorded.
          **given: metadata by name; `hidden/target` is given as
            `hidden_target`, and likewise its siblings.

        Raises:
          EpisodeError: if a required metadata field is missing or unknown, if
            nothing is observed, or if actions come without rewards.
        """
        for name in metadata.METADATA:
            keyword = name.replace("/", "_")
            if keyword in given:
                given[name] = given.pop(keyword)
        try:
            known = metadata.complete(given)
        except ValueError as error:
            raise EpisodeError(f"an episode cannot be built: {error}") from None
        observed = image if state is None else state
        if observed is None:
            raise EpisodeError("an episode needs states or images")
        if (action is None) != (reward is None):
            raise EpisodeError("an episode has actions and rewards, or neither")
        length = len(observed)
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
            steps[fields.ACTION] = _with_zero_step(action)
            steps[fields.REWARD] = _with_zero_step(reward)
            # Of the last transition, and of the dummy step after it.
            discount = np.ones(length, np.float32)
            discount[-2:] = 0.0 if terminal else 1.0
            steps[fields.DISCOUNT] = discount
        if intervention is not None:
            steps[fields.IS_INTERVENTION] = np.append(intervention, False).astype(bool)
        for name, array, dtype in (
            (fields.STATE, state, np.float32),
            (fields.PHYSICS_STATE, physics_state, np.float64),
            (fields.IMAGE, image, np.uint8),
            (fields.WRIST_IMAGE, wrist_image, np.uint8),
        ):
            if array is not None:
                steps[name] = np.asarray(array, dtype)
        return cls(steps=steps, metadata=known)

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
        metadata.fault(episode.metadata, spec.metadata_vectors)
        or _shape_fault(episode.steps, spec)
        or next(_value_faults(episode.steps), None)
    )


def _with_zero_step(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array, np.float32)
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


def _value_faults(steps: Mapping[str, np.ndarray]) -> Iterator[str]:
    for name, array in steps.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            step = int(np.argwhere(~np.isfinite(array))[0][0])
            yield f"step field {name!r} is not finite at step {step}"
    if (np.diff(steps[fields.TIMESTAMP]) < 0).any():
        yield "timestamps go backwards"
    if fields.ACTION in steps:
        action, discount = steps[fields.ACTION], steps[fields.DISCOUNT]
        for step, axis in np.argwhere(np.abs(action) > 1 + _ACTION_TOLERANCE):
            yield (
                f"action {action[step, axis]:g} on axis {axis} at step {step} "
                "is outside [-1, 1]"
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
