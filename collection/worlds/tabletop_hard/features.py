"""Network inputs: those of the tabletop, and the entities that rules pick."""

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from wtl.collection.worlds.tabletop.features import (
    body,
    entities,
    motion,
    relations,
    step,
)
from wtl.collection.worlds.tabletop_hard import rules
from wtl.collection.worlds.tabletop_hard.scene import ABSENT_Y
from wtl.policies.features.entities import Entities

__all__ = ["BY_ENTITY", "body", "entities", "motion", "picks", "relations", "step"]

BY_ENTITY = rules.BY_ENTITY
_ANCHOR = slice(0, 2)


def picks(rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
    """Return which entity each rule picks: [..., H, E, E], kind, parameter, entity.

    Parameters that are entities are counted by slot; those that are ranks are counted
    for each kind of entity by itself.
    """
    anchor = rows["fixtures"][..., _ANCHOR]
    found = []
    for position in tf.split(items.position[..., :2], 2, axis=-2):
        present = tf.cast(position[..., 1] > ABSENT_Y / 2, position.dtype)
        found.append(rules.picks(tnp, position, present, anchor))
    objects, buttons = found
    none = tf.zeros_like(objects)
    return tf.concat(
        [tf.concat([objects, none], -1), tf.concat([none, buttons], -1)], -2
    )
