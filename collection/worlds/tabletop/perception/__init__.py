"""Estimates the state of a scene from images and proprioception."""
