"""Animated drawings of episodes from their states: SVG that needs no simulator."""
