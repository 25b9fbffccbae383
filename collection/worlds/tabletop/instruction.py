"""Instructions of tasks in words."""

import numpy as np

from wtl.collection.worlds.entities.rule import RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import scene as scenes

_COLOURS = {
    "red": (0.85, 0.15, 0.15),
    "orange": (0.95, 0.55, 0.15),
    "yellow": (0.9, 0.85, 0.2),
    "green": (0.2, 0.7, 0.25),
    "turquoise": (0.2, 0.75, 0.75),
    "blue": (0.2, 0.35, 0.9),
    "purple": (0.55, 0.2, 0.75),
    "pink": (0.95, 0.5, 0.75),
    "brown": (0.55, 0.4, 0.15),
    "olive": (0.4, 0.5, 0.1),
    "dark green": (0.1, 0.35, 0.15),
    "dark blue": (0.1, 0.15, 0.45),
    "dark red": (0.4, 0.08, 0.12),
    "grey": (0.55, 0.55, 0.55),
    "black": (0.1, 0.1, 0.1),
    "white": (0.95, 0.95, 0.95),
}
_PLACES = {
    1: ("only",),
    2: ("left", "right"),
    3: ("leftmost", "middle", "rightmost"),
}


def instruction(scene_config: SceneConfig) -> str:
    """Return one sentence, such as "Push the red object against the grey block."."""
    return scene_config.task.goal.instruction.format(target=target(scene_config))


def target(scene_config: SceneConfig) -> str:
    """Return the target as its rule refers to it; in both ways without a rule."""
    rule = scene_config.task.rule
    place = _place(scene_config)
    thing = _thing(scene_config)
    if rule is None:
        return f"the {thing} ({place})"
    if rule.kind is RuleKind.IDENTITY:
        return f"the {thing}"
    noun = "button" if _on_buttons(scene_config) else "object"
    return f"the {place} {noun}"


def _on_buttons(scene_config: SceneConfig) -> bool:
    return scene_config.task.goal.kind == 1


def _thing(scene_config: SceneConfig) -> str:
    objects = scene_config.task.object_set
    if _on_buttons(scene_config):
        return f"{_colour(objects.button_rgbs[scene_config.target])} button"
    prop = objects.props[scene_config.target]
    return f"{_colour(prop.rgb)} {'box' if prop.is_box else 'cylinder'}"


def _colour(rgb: tuple[float, float, float]) -> str:
    distance = {
        name: np.linalg.norm(np.subtract(rgb, known))
        for name, known in _COLOURS.items()
    }
    return min(distance, key=distance.get)


def _place(scene_config: SceneConfig) -> str:
    size = scene_config.task.object_set.size
    scene = scenes.draw(size, scene_config.scene_seed)
    places = scene.button_places if _on_buttons(scene_config) else scene.object_places
    place = int(places[scene_config.target])
    names = _PLACES.get(size)
    return names[place] if names else f"{place + 1}. from the left"
