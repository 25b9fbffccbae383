"""Tabletop whose actions command the joints of an arm."""

WORLDS = {"tabletop_joints": "tabletop_joints:TABLETOP_JOINTS"}
