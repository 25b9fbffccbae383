"""A colour for each method, the same in every figure and report."""

from collections.abc import Collection

# Dark enough for white paper, light enough for black.
BLUE, SKY, ORANGE, ROSE, GREEN = "#1f77c9", "#5ba3e0", "#d2690b", "#b85c9e", "#169c76"
GOLD, TEAL, BROWN, VIOLET, GREY = "#ad8500", "#1598a6", "#a9713d", "#8f6fc7", "#808088"
_COLOURS = {
    "wtl": BLUE,
    "wtl_2_trials": SKY,
    "wtl_3_trials": SKY,
    "wtl_new_scene": SKY,
    "mil": ORANGE,
    "mil_second_try": ROSE,
    "maml": ROSE,
    "maml_video": ROSE,
    "tecnet": TEAL,
    "tecnet_flat": BROWN,
    "wtl_human": TEAL,
    "wtl_human_new_scene": TEAL,
    "mil_human": BROWN,
    "mil_human_second_try": ROSE,
    "daml": GREEN,
    "daml_linear": GOLD,
    "demo_hidden_at_retrial": GREEN,
    "trial_only": GOLD,
    "mil_sac_demo": ROSE,
    "mil_sac": GREEN,
    "bc_sac_demo": GOLD,
    "bc_sac": TEAL,
    "sac": BROWN,
    "oracle_task": VIOLET,
}
_FREE = (BLUE, ORANGE, GREEN, ROSE, GOLD, TEAL, BROWN, SKY, VIOLET)


def colour(method: str) -> str:
    """Colour of a method, or of `SET/METHOD`; grey if nothing is known of it."""
    return _COLOURS.get(method.rpartition("/")[2], GREY)


def colours(methods: Collection[str]) -> dict[str, str]:
    """Colours of lines in one figure: a method's own, or if that is taken another."""
    chosen: dict[str, str] = {}
    for method in methods:
        if colour(method) not in chosen.values():
            chosen[method] = colour(method)
    for method in methods:
        free = (c for c in _FREE if c not in chosen.values())
        chosen.setdefault(method, next(free, colour(method)))
    return chosen
