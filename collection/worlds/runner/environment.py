"""Environment of a runner: run forwards, through a fault."""

import contextlib
import functools

import dm_env
import mujoco
import numpy as np
from absl import logging
from dm_env import specs
from mujoco import rollout

from wtl.collection.worlds.runner.body import Body, Physics
from wtl.collection.worlds.runner.fault import Fault
from wtl.datasets.contract import fields

FORWARD = 0  # index of the forward velocity in a state
_NOISE = 0.1  # rad and rad/s, of the initial state


def reward(body: Body, state, action, next_state, direction: float = 1.0):
    """Return rewards [...]: upright forward velocity in m/s, less the cost of control.

    Arrays and tensors are taken alike; dimensions before the last are free.

    Args:
      body: the body.
      state: [..., S], not used.
      action: [..., A] in [-1, 1].
      next_state: [..., S] states that follow.
      direction: -1 where running backwards is rewarded.
    """
    del state
    cost = sum(action[..., i] ** 2 for i in range(action.shape[-1]))
    return direction * _upright_speed(body, next_state) - body.control_cost * cost


def _upright_speed(body: Body, state):
    """Return the forward velocity times 0 (upside down) to 1 (upright).

    The factor is that of dm_control's quadruped. Without it planners throw the
    half-cheetah on its back and slide, where a fault costs nothing.
    """
    return state[..., FORWARD] * (1 + state[..., body.upright]) / 2


def has_fallen(body: Body, state):
    """Whether the body of states [..., S] is upside down."""
    return state[..., body.upright] < 0


class Runner(dm_env.Environment):
    """Body on an endless plane; see `Fault`.

    The forward velocity is the mean over a control step, so that swinging the torso
    is not running. An episode ends at a fall: a body on its back does not get up.
    """

    def __init__(self, body: Body, fault: Fault, seed: int, direction: float = 1.0):
        """Compile the model.

        Args:
          body: the body.
          fault: the fault, which begins at its onset.
          seed: decides the initial state of every episode.
          direction: 1 where running forwards is rewarded, -1 for backwards.
        """
        self._body, self._fault, self._seed = body, fault, seed
        self._direction = direction
        self._physics = compiled(body)
        model = self._physics.model
        self._torso = model.name2id("torso", "body")
        low, high = model.actuator_ctrlrange.T
        self._middle, self._half = (low + high) / 2, (high - low) / 2
        self._substeps = round(1 / (body.control_hz * model.opt.timestep))
        self._is_faulty = False

    def reset(self) -> dm_env.TimeStep:
        """Start an episode near the posture of rest, before any fault."""
        if self._is_faulty:
            raise RuntimeError("the model has a fault already: make another runner")
        rng = np.random.RandomState(self._seed)
        with self._physics.reset_context():
            data = self._physics.data
            joints = data.qpos[self._body.root :]
            joints += rng.uniform(-_NOISE, _NOISE, len(joints))
            data.qvel[:] = _NOISE * rng.standard_normal(len(data.qvel))
        self._step, self._upright_speeds, self._has_fallen = 0, 0.0, False
        self._begin_fault()
        return dm_env.restart(self._observation(self._physics.data.qvel[0]))

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply commands, as fractions of their limits, for one control step."""
        before = self._x
        self._physics.set_control(self._middle + self._half * action)
        self._physics.step(self._substeps)
        self._step += 1
        self._begin_fault()
        speed = (self._x - before) * self._body.control_hz
        observed = self._observation(speed)
        state = observed[fields.STATE]
        upright_speed = self._direction * _upright_speed(self._body, state)
        self._upright_speeds += float(upright_speed)
        self._has_fallen = bool(has_fallen(self._body, state))
        next_step = dm_env.termination if self._has_fallen else dm_env.transition
        earned = reward(self._body, state, action, state, self._direction)
        return next_step(float(earned), observed)

    def rehearse(
        self, actions: np.ndarray, with_fault: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what actions would lead to from here on.

        Nothing moves. No rehearsal has a fault that begins later.

        Args:
          actions: [N, H, A] fractions of their limits, of H control steps.
          with_fault: whether the fault holds if it has begun.

        Returns:
          The rewards [N, H] in m/s, and bool[N, H] at which step it would fall.
        """
        model = (self._physics if with_fault else self._sound).model.ptr
        data, kind = self._physics.data.ptr, mujoco.mjtState.mjSTATE_FULLPHYSICS
        start = np.empty(mujoco.mj_stateSize(model, kind))
        mujoco.mj_getState(model, data, start, kind)
        control = self._middle + self._half * actions
        states, _ = rollout.rollout(
            model,
            mujoco.MjData(model),
            np.tile(start, (len(actions), 1)),
            np.repeat(control, self._substeps, axis=1),
            initial_warmstart=np.tile(data.qacc_warmstart, (len(actions), 1)),
        )
        # Of each step, without the time, which comes first.
        positions = states[:, self._substeps - 1 :: self._substeps, 1 : 1 + model.nq]
        way = np.diff(positions[..., 0], axis=1, prepend=self._x)
        following = np.zeros((*actions.shape[:2], self._body.upright + 1))
        following[..., FORWARD] = way * self._body.control_hz
        following[..., self._body.upright] = self._body.uprights(positions)
        falls = has_fallen(self._body, following)
        is_over = np.cumsum(falls, axis=1) - falls > 0
        earned = reward(self._body, None, actions, following)
        return np.where(is_over, 0.0, earned), falls & ~is_over

    @functools.cached_property
    def _sound(self) -> Physics:
        return compiled(self._body)

    def succeeded(self) -> bool:
        """Whether it has `Body.min_speed` on average, and has not fallen."""
        fast = self._upright_speeds >= self._body.min_speed * self._step
        return fast and not self._has_fallen

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of the state; see `docs/worlds/runner.md`."""
        size = 1 + len(self._body.observe(self._physics))
        return {fields.STATE: specs.Array((size,), np.float32, fields.STATE)}

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the commands; dm_control joins names of dimensions by tabs."""
        names = self._body.actuators
        return specs.BoundedArray(
            (len(names),), np.float32, -1.0, 1.0, "\t".join(names)
        )

    @property
    def _x(self) -> float:
        return float(self._physics.data.qpos[0])

    def _begin_fault(self):
        if self._step == self._fault.onset:
            self._fault.apply(self._physics.model, self._torso)
            self._is_faulty = True

    def _observation(self, speed: float) -> dict[str, np.ndarray]:
        rest = self._body.observe(self._physics)
        return {fields.STATE: np.concatenate([[speed], rest]).astype(np.float32)}


def compiled(body: Body) -> Physics:
    """Return the physics of a body, without a fault."""
    with _without_notices():
        return Physics.from_xml_string(*body.load())


@contextlib.contextmanager
def _without_notices():
    """Silence the notice of a deprecated attribute in dm_control's model."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
