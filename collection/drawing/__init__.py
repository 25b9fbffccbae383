"""Pieces of drawings of episodes, as SVG."""
