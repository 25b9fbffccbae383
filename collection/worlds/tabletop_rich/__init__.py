"""Hard tabletop with more kinds of rules, ways of doing a task, and clutter."""

WORLDS = {"tabletop_rich": "tabletop_rich:TABLETOP_RICH"}
