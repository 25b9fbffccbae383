"""Shared set-up of the tests."""

import policies  # noqa: F401  (asks for Keras 2 before anything imports TF-Agents)
from wtl import notices

notices.quiet()
