"""Record docs/teach.webp: a retrial that succeeds, in the real page.

PYTHONPATH=.:tests:tests/teach python docs/shoot_teach.py RUN docs/teach.webp
"""

import io
import sys

from browsing import CHROMIUM, until
from PIL import Image
from playwright.sync_api import sync_playwright
from taught import serving

_SIZE = (960, 600)
_SECONDS = 120


def shoot(run: str, path: str):
    """Teach the first task that is learnt from a failure; write a screenshot."""
    with serving(run) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(served.url)
        for family in ("", "grasp", "push", "stack", "grasp", "push"):
            until(page, "window.teach?.isReady", _SECONDS)
            if family:
                _click(page, f"[data-family={family}]", "teach.step === 'try'")
            _click(page, "[data-does=try]", "teach.lesson.tries.length === 1")
            if page.evaluate("teach.last.achieved"):
                continue
            _click(page, "[data-does=wrong]", "teach.step === 'retry'")
            _click(page, "[data-does=retry]", "teach.lesson.tries.length === 2")
            if page.evaluate("teach.last.achieved"):
                break
        until(page, "teach.seen.has(teach.last.id)", _SECONDS)
        image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.resize(_SIZE, Image.Resampling.LANCZOS).save(path, quality=80, method=6)


def _click(page, selector: str, then: str):
    page.click(selector)
    until(page, f"teach.isReady && ({then})", _SECONDS)


if __name__ == "__main__":
    shoot(*sys.argv[1:])
