"""The world of the plug-in package, as a module of a user that a gin file imports."""

from tests.plugin.wtl_table.world import CONTROLS, TABLE
from wtl import worlds

NAME = "driven_table"
WORLD = worlds.dm_env(**TABLE.plain | {"name": NAME}, teleop=CONTROLS)
if NAME not in worlds.names():
    worlds.register(WORLD)
