"""Tabletop with up to five objects, whose tasks refer to targets in six ways."""

WORLDS = {"tabletop_hard": "tabletop_hard:TABLETOP_HARD"}
