"""Referent rules: kinds, and the entity that each picks in a scene.

A rule is a kind and a parameter. One demonstration is compatible with four to eight of
them: one by identity, one of each order, and any number of those by another entity.
The same function serves NumPy and TensorFlow (`tensorflow.experimental.numpy`).
"""

from wtl.collection.worlds.entities.rule import RuleKind

KINDS = (
    RuleKind.IDENTITY,
    RuleKind.POSITION,  # from the left
    RuleKind.FRONT,
    RuleKind.ANCHOR,
    RuleKind.NEAREST,
    RuleKind.FARTHEST,
)
# Whether there is a rule of each kind for every entity.
KINDS_PICK_ALL = dict(zip(KINDS, (True, True, True, True, False, False)))
# Whether the parameter of each kind is an entity, else a rank.
BY_ENTITY = (True, False, False, False, True, True)

_FAR = 100.0  # metres


def picks(xp, position, present, anchor):
    """Return which entity of one kind each rule picks.

    Args:
      xp: `numpy` or `tensorflow.experimental.numpy`.
      position: [..., n, 2] initial x and y, metres.
      present: [..., n] 1 for entities of the scene, 0 for others.
      anchor: [..., 2] x and y of the anchor, metres.

    Returns:
      [..., H, n, n] 1 where a rule of a kind and a parameter picks an entity, else 0.
    """
    eye = xp.eye(position.shape[-2], dtype=position.dtype)
    both = present[..., :, None] * present[..., None, :]
    x, y = position[..., 0], position[..., 1]
    to_anchor = xp.sum((position - anchor[..., None, :]) ** 2, axis=-1)
    between = position[..., :, None, :] - position[..., None, :, :]
    apart = xp.sum(between**2, axis=-1)

    def lowest(value):
        value = xp.where((both > 0) & (eye == 0), value, _FAR + 0 * both)
        least = xp.min(value, axis=-1)[..., None]
        return xp.where(value == least, both * (1 - eye), 0 * both)

    return xp.stack(
        [
            eye * both,
            *(by_rank(xp, value, present) for value in (x, y, to_anchor)),
            lowest(apart),
            lowest(-apart),
        ],
        axis=-3,
    )


def ranks(xp, value, present):
    """Return how many entities [..., n] come before each by `value` [..., n]."""
    both = present[..., :, None] * present[..., None, :]
    before = xp.where(value[..., None, :] < value[..., :, None], both, 0 * both)
    return xp.sum(before, axis=-1)


def by_rank(xp, value, present):
    """Return [..., n, n] 1 where an entity has a rank by `value` [..., n]."""
    wanted = xp.arange(value.shape[-1], dtype=value.dtype)[:, None]
    rank = ranks(xp, value, present)[..., None, :]
    there = present[..., None, :] + 0 * wanted
    return xp.where(rank == wanted, there, 0 * there)
