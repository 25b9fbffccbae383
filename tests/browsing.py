"""A real Chromium, for tests of pages."""

import shutil
import time

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)


def until(page, condition: str, seconds: float = 30):
    """Waits until an expression is true; the page's policy lets nobody else eval."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < end, f"still not: {condition}"
        page.wait_for_timeout(20)
