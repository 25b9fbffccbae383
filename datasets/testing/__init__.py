"""Fake episodes for tests."""
