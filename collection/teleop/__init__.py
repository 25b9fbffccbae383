"""Teleoperation: a person demonstrates in the browser."""
