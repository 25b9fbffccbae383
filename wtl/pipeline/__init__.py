"""Stages, run folder, lineage and resume."""
