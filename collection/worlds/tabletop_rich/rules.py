"""Referent rules: those of the hard tabletop, and by size and by the next entity.

Each rule picks an entity, and where a task can be done in several ways, a second rule
picks the way: the first or second one always, or that of the green or blue band.
"""

from wtl.collection.worlds.entities.rule import RuleKind
from wtl.collection.worlds.tabletop_hard import rules
from wtl.collection.worlds.tabletop_hard.rules import ranks

KINDS = (*rules.KINDS, RuleKind.SIZE, RuleKind.RIGHT, RuleKind.BEHIND)
KINDS_PICK_ALL = rules.KINDS_PICK_ALL | dict.fromkeys(KINDS[-3:], True)
BY_ENTITY = (*rules.BY_ENTITY, False, True, True)

NO_WAY, FIRST, SECOND = WAYS = range(3)
# Rules for the way; the first is of families that can be done in one way alone.
WAY_RULES = ("", "near", "far", "green", "blue")


def picks(xp, position, present, anchor, size):
    """Return which entity of one kind each rule picks, [..., H, n, n].

    Args:
      xp: `numpy` or `tensorflow.experimental.numpy`.
      position: [..., n, 2] initial x and y, metres.
      present: [..., n] 1 for entities of the scene, 0 for others.
      anchor: [..., 2] x and y of the anchor, metres.
      size: [..., n] size of each entity, metres.
    """
    more = [
        rules.by_rank(xp, -size, present),
        _next(xp, position[..., 0], present),
        _next(xp, position[..., 1], present),
    ]
    known = rules.picks(xp, position, present, anchor)
    return xp.concatenate([known, xp.stack(more, axis=-3)], axis=-3)


def _next(xp, value, present):
    """[..., n, n] 1 at the entity next to each by `value`, the first after the last."""
    rank = ranks(xp, value, present)
    after = rank + 1
    count = xp.sum(present, axis=-1)[..., None] + 0 * rank
    after = xp.where(after >= count, 0 * after, after)
    both = present[..., :, None] * present[..., None, :]
    return xp.where(after[..., :, None] == rank[..., None, :], both, 0 * both)


def ways(xp, green, blue):
    """Return which way each rule picks, [..., M, W], given y of the bands [...]."""
    nearer = xp.where(green < blue, 1 + 0 * green, 0 * green)[..., None]
    eye = xp.eye(len(WAYS), dtype=green.dtype)
    no_way, first, second = (eye[i] + 0 * nearer for i in WAYS)
    of_green = nearer * first + (1 - nearer) * second
    of_blue = nearer * second + (1 - nearer) * first
    return xp.stack([no_way, first, second, of_green, of_blue], axis=-2)
