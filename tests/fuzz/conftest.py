"""Effort of the property tests: fixed examples, or many new ones with WTL_FUZZ=long."""

import os

from hypothesis import HealthCheck, settings

_COMMON = {
    "deadline": None,
    "suppress_health_check": tuple(HealthCheck),
    "print_blob": True,
}
settings.register_profile("short", max_examples=25, derandomize=True, **_COMMON)
settings.register_profile("long", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("WTL_FUZZ", "short"))
