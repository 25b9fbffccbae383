"""Network inputs computed from state vectors: scaled and relative quantities.

Relative features were worth 21 points of success in the feasibility study. All of
them follow from the observation; none is privileged. Each world has a module with

- `entities(rows)`: the `Entities` of split states;
- `body(rows)`: features [..., G] of the robot, of fixtures and of time;
- `relations(rows, items)`: features [..., E, R] of entities relative to these. The
  first nine are the position, the vector to it from the body, and the same magnified;
- `step(rows)`: number [...] of the timestep, as a float;
- `motion(rows)`, of worlds that move as commanded: motion after each frame, [N, T, A];
- `in_way(rows, way)`, of worlds with several ways of acting on an entity: the rows as
  `body` and `relations` take them to act in a way [..., W];
- `picks`, `ways` and `identity`, of worlds that say what rules pick, see
  `wtl.policies.heads.posterior`.
"""

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies.features.entities import ATTRIBUTES, Entities

__all__ = ["ATTRIBUTES", "Entities", "split", "step"]


def split(state: tf.Tensor, layout: Layout) -> dict[str, tf.Tensor]:
    """Return the named rows of states [..., S], see `Layout.rows`."""
    rows = {}
    for name, (place, shape) in layout.rows.items():
        part = state[..., place]
        rows[name] = tf.reshape(part, tf.concat([tf.shape(state)[:-1], shape], 0))
        rows[name].set_shape(state.shape[:-1] + shape)
    return rows


def step(state: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Return the number [...] of the timestep of states [..., S], as a float."""
    return layout.features.step(split(state, layout))
