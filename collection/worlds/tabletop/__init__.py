"""The tabletop: a gripper, objects, buttons, five task families."""

WORLDS = {"tabletop": "tabletop:TABLETOP"}
