"""Fake episodes and videos for tests."""
