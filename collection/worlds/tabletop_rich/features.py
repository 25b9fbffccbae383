"""Network inputs: those of the tabletop for a way of acting, and what rules pick."""

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from wtl.collection.worlds.tabletop import features
from wtl.collection.worlds.tabletop.features import entities, motion, step
from wtl.collection.worlds.tabletop_hard.scene import ABSENT_Y
from wtl.collection.worlds.tabletop_rich import observation, rules
from wtl.datasets.contract.layout import slices
from wtl.policies.features.entities import Entities

__all__ = ["BY_ENTITY", "entities", "motion", "step"]

BY_ENTITY = rules.BY_ENTITY
_AIM, _WAY = "aim", "way"  # rows of `in_way`


def _fixtures(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    where = slices(observation.FIXTURES)
    return {name: rows["fixtures"][..., place] for name, place in where.items()}


def in_way(rows: dict[str, tf.Tensor], way: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return rows with the goal of a way [..., W]; see `wtl.policies.features`."""
    given = _fixtures(rows)
    near, far = (
        nearest(given["green"], given["blue"]) for nearest in (tf.minimum, tf.maximum)
    )
    share = way[..., rules.SECOND :]
    return rows | {_AIM: near + share * (far - near), _WAY: way}


def _of_tabletop(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Rows of the tabletop: with one band."""
    given = _fixtures(rows)
    aim = rows.get(_AIM, (given["green"] + given["blue"]) / 2)
    fixtures = tf.concat([given["anchor"], aim, given["time"]], axis=-1)
    return rows | {"fixtures": fixtures}


def body(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return features [..., G] of gripper, anchor, goals, time and way."""
    given = _fixtures(rows)
    bands = tf.concat([given["green"], given["blue"]], axis=-1)
    parts = [features.body(_of_tabletop(rows)), (bands - 0.45) * 10]
    return tf.concat([*parts, *([rows[_WAY]] if _WAY in rows else [])], axis=-1)


def relations(rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
    """Return features [..., E, R] of entities in relation to gripper, anchor, goal."""
    return features.relations(_of_tabletop(rows), items)


def ways(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return which way each rule for it picks: [..., M, W]."""
    given = _fixtures(rows)
    return rules.ways(tnp, given["green"][..., 0], given["blue"][..., 0])


def identity(items: Entities) -> tf.Tensor:
    """Return attributes [..., E, F] that are the same in all scenes: without sizes."""
    return tf.concat([items.attributes[..., :3], items.attributes[..., 6:]], axis=-1)


def picks(rows: dict[str, tf.Tensor], items: Entities) -> tf.Tensor:
    """Return which entity each rule picks; see `tabletop_hard.features.picks`."""
    anchor = _fixtures(rows)["anchor"][..., :2]
    objects = rows["objects"][..., slices(observation.observation.OBJECT)["half_sizes"]]
    radius = rows["buttons"][..., slices(observation.BUTTON)["radius"]][..., 0]
    found = []
    for position, size in zip(
        tf.split(items.position[..., :2], 2, axis=-2),
        (tf.reduce_mean(objects[..., :2], axis=-1), radius),
        strict=True,
    ):
        present = tf.cast(position[..., 1] > ABSENT_Y / 2, position.dtype)
        found.append(rules.picks(tnp, position, present, anchor, size))
    on_objects, on_buttons = found
    none = tf.zeros_like(on_objects)
    return tf.concat(
        [tf.concat([on_objects, none], -1), tf.concat([none, on_buttons], -1)], -2
    )
