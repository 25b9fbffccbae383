"""Colours of methods in figures and reports."""

# Dark enough for white paper, light enough for black.
BLUE, SKY, ORANGE, ROSE, GREEN = "#1f77c9", "#5ba3e0", "#d2690b", "#b85c9e", "#169c76"
GOLD, TEAL, BROWN, VIOLET, GREY = "#ad8500", "#1598a6", "#a9713d", "#8f6fc7", "#808088"
FREE = (BLUE, ORANGE, GREEN, ROSE, GOLD, TEAL, BROWN, SKY, VIOLET)
