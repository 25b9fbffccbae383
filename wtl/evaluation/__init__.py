"""Evaluation protocol, statistics, figures and reports."""
