"""Network inputs computed from raw state vectors: scaled and relative quantities.

Relative features were worth 21 points of success in the feasibility study. All of
them follow from the observation; none is privileged. Each world has a module with

- `entities(rows)`: the `Entities` of split states;
- `body(rows)`: features [..., G] of whoever acts, of fixtures and of time;
- `relations(rows, items)`: features [..., E, R] of entities in relation to these. The
  first nine are the position, the way to it from the body, and the same up close;
- `step(rows)`: number [...] of the timestep, as a float;
- `motion(rows)`, where a world moves as commanded: what moved after each frame,
  [N, T, A].
"""

import types

import tensorflow as tf

from policies.features import gripper, reacher
from policies.features.entities import ATTRIBUTES, Entities
from wtl.envs import observation
from wtl.envs.layout import Layout
from wtl.envs.reacher import observation as reacher_observation

__all__ = ["ATTRIBUTES", "Entities", "of", "split", "step"]

_MODULES = {observation.Layout: gripper, reacher_observation.Layout: reacher}


def of(layout: Layout) -> types.ModuleType:
    """The module of the world whose states have this layout."""
    return _MODULES[type(layout)]


def split(state: tf.Tensor, layout: Layout) -> dict[str, tf.Tensor]:
    """Named rows of [..., S] states, see `Layout.rows`."""
    rows = {}
    for name, (place, shape) in layout.rows.items():
        part = state[..., place]
        rows[name] = tf.reshape(part, tf.concat([tf.shape(state)[:-1], shape], 0))
        rows[name].set_shape(state.shape[:-1] + shape)
    return rows


def step(state: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Number [...] of the timestep of states [..., S], as a float."""
    return of(layout).step(split(state, layout))
