"""Figures of results, drawn by matplotlib as SVG."""
